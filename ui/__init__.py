"""What several screens share. Knows Streamlit and plain values; the library's verbs come through `ui.state`."""
