"""One engine for heavy work: this process, processes beside it, or a Dask cluster, with the same results. Knows no project."""
