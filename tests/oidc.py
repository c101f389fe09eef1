"""A small OpenID Connect provider on loopback, handed the person who signs in: real HTTP, real signed tokens."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit


class FakeProvider:
    """Use as a context manager. person: the claims of whoever comes to sign in next."""

    def __init__(self, client_id: str = "cod", client_secret: str = "client-secret"):
        from joserfc.jwk import RSAKey

        self.client_id, self.client_secret = client_id, client_secret
        self.person = {"sub": "1", "email": "ann@team.example", "email_verified": True, "name": "Ann"}
        self._key = RSAKey.generate_key(2048, parameters={"kid": "k1", "use": "sig", "alg": "RS256"})
        self._codes: dict[str, tuple[dict, str | None]] = {}

    def __enter__(self) -> "FakeProvider":
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def reply(self, body: dict):
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                if path.endswith("openid-configuration"):
                    return self.reply(provider.metadata())
                if path == "/jwks":
                    return self.reply({"keys": [provider._key.as_dict(private=False)]})
                code = secrets.token_hex(8)
                provider._codes[code] = dict(provider.person), query.get("nonce", [None])[0]
                self.send_response(302)
                back = {"code": code, "state": query["state"][0]}
                self.send_header("Location", f"{query['redirect_uri'][0]}?{urlencode(back)}")
                self.end_headers()

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                claims, nonce = provider._codes.pop(form["code"][0])
                self.reply(
                    {
                        "access_token": secrets.token_hex(8),
                        "token_type": "Bearer",
                        "expires_in": 600,
                        "id_token": provider.signed(claims, nonce),
                    }
                )

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def signed(self, claims: dict, nonce: str | None) -> str:
        from joserfc import jwt

        now = int(time.time())
        body = {"iss": self.url, "aud": self.client_id, "iat": now, "exp": now + 600, **claims}
        return jwt.encode({"alg": "RS256", "kid": "k1"}, {**body, **({"nonce": nonce} if nonce else {})}, self._key)

    def secrets_toml(self, app: str) -> str:
        """What .streamlit/secrets.toml holds for an app at this address."""
        return (
            f'[auth]\nredirect_uri = "{app}/oauth2callback"\ncookie_secret = "{secrets.token_hex(16)}"\n'
            f'client_id = "{self.client_id}"\nclient_secret = "{self.client_secret}"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )
