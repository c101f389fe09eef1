#!/bin/sh
# Whether the studio of this container answers: exit code 0 where it does.
exec python -c "
import os, sys, urllib.request
path = os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/')
address = f\"http://127.0.0.1:{os.environ.get('COD_PORT', '8501')}/{path + '/' if path else ''}_stcore/health\"
try:
    sys.exit(0 if urllib.request.urlopen(address, timeout=4).read().strip() == b'ok' else 1)
except OSError as error:
    sys.exit(f'{address}: {error}')
"
