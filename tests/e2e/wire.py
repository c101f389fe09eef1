"""A person at the studio without a browser: Streamlit's own stream, spoken as its page speaks it. Knows no page of ours."""

import contextlib
import json
import uuid
from urllib.parse import urlencode

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from websockets.sync.client import connect

COOKIE = "_streamlit_user"


class Tab:
    """A connection of one person. claims: what the sign-in service said of them, None for a stranger; secret: of the cookie.

    session_id: asks to go on with that session, as a page does that lost its connection.
    """

    def __init__(self, url: str, claims: dict | None = None, secret: str = "", session_id: str = ""):
        self.url, self.messages, self.id = url, [], ""
        self.http = requests.Session()
        self.http.get(f"{url}/_stcore/health", timeout=20)
        self.token = self.http.cookies["_streamlit_xsrf"]
        if claims is not None:
            signed = create_signed_value(secret, COOKIE, json.dumps({"origin": url, "is_logged_in": True, **claims}))
            self.http.cookies.set(COOKIE, signed.decode())
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        self._wire = connect(
            url.replace("http://", "ws://") + "/_stcore/stream",
            origin=url,
            subprotocols=["streamlit", self.token, *filter(None, [session_id])],
            additional_headers={"Cookie": cookies},
            max_size=None,
        )

    def open(self, page: str, **query: str) -> "Tab":
        """Run a page to its end."""
        asked = BackMsg()
        asked.rerun_script.page_name, asked.rerun_script.query_string = page, urlencode(query)
        self._wire.send(asked.SerializeToString())
        self.until(lambda m: m.HasField("script_finished") and m.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN)
        return self

    def until(self, found) -> ForwardMsg:
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._wire.recv(timeout=60))
            if message.HasField("new_session"):
                self.id = message.new_session.initialize.session_id
            self.messages.append(message)
            if found(message):
                return message

    def said(self) -> str:
        """Everything that came over the stream, as one text."""
        return "\n".join(str(message) for message in self.messages)

    def button(self, label: str) -> str:
        """The id by which a download button's file is asked for."""
        buttons = (m.delta.new_element.download_button for m in self.messages if m.delta.new_element.HasField("download_button"))
        return [button.deferred_file_id for button in buttons if button.label == label][-1]

    def made(self, button: str) -> str:
        """Have the file of a button made; its address, or why there is none."""
        asked = BackMsg()
        asked.backend_operation_request.request_id = str(uuid.uuid4())
        asked.backend_operation_request.session_id = self.id
        asked.backend_operation_request.deferred_file.file_id = button
        self._wire.send(asked.SerializeToString())
        answer = self.until(lambda m: m.HasField("backend_operation_response")).backend_operation_response
        return self.url + answer.deferred_file.url if answer.deferred_file.url else f"refused: {answer.error_msg}"

    def upload(
        self, session_id: str, file_id: str, body: bytes = b"text\nhello\n", token: str | None = None, method: str = "PUT"
    ) -> requests.Response:
        """The answer to an upload (or another request) at the address of a session."""
        address = f"{self.url}/_stcore/upload_file/{session_id}/{file_id}"
        files = {"files": ("a.csv", body, "text/csv")} if method == "PUT" else None
        headers = {"X-Xsrftoken": self.token if token is None else token}
        return self.http.request(method, address, headers=headers, files=files, timeout=20)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._wire.close()
