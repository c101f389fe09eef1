"""The Review page: the table, second opinions, agreement, the audit trail, the guideline."""
