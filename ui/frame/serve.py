"""Starts Streamlit's server, which asks nobody for the machine's address then. Knows no page.

Run by path, as `cod app` does: `python -P ui/frame/serve.py run app.py`; app.py does the same for who types `streamlit run app.py`.
"""

import sys


def ask_nobody_for_the_address() -> None:
    """Streamlit asks a service on the internet for the machine's outside address: at a start on all interfaces, and at the first
    request of a foreign page, which that address might allow. It has no switch for this. From now on there is none to allow."""
    from streamlit import net_util

    vars(net_util)["get_external_ip"] = lambda: None


if __name__ == "__main__":
    from streamlit.web.cli import main

    ask_nobody_for_the_address()
    sys.exit(main(prog_name="streamlit"))
