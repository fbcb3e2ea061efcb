"""A passwordless app on the standard library alone: what the tutorial's Flask app does, without anything to install."""

import http.server
import json
import os
import urllib.parse
import urllib.request

from postgres import Connection


def token(resource):
    query = urllib.parse.urlencode({"api-version": "2019-08-01", "resource": resource})
    request = urllib.request.Request(
        f"{os.environ['IDENTITY_ENDPOINT']}?{query}", headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def database(_):
    setting = dict(part.split("=", 1) for part in os.environ["AZURE_POSTGRESQL_CONNECTIONSTRING"].split(" "))
    password = token("https://ossrdbms-aad.database.windows.net")
    with Connection(setting["host"], setting["user"], password, setting["dbname"]) as connection:
        connection.query("create table if not exists visits (at timestamptz default now())")
        connection.query("insert into visits default values")
        return connection.query("select count(*) as visits, current_user as who, current_database() as base from visits").rows


def photo(body):
    url = f"{os.environ['AZURE_STORAGEBLOB_RESOURCEENDPOINT']}photos/photo.txt"
    headers = {
        "Authorization": f"Bearer {token('https://storage.azure.com')}",
        "x-ms-version": "2021-06-08",
        "x-ms-blob-type": "BlockBlob",
        "Content-Type": "text/plain",
    }
    with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers, method="PUT")) as answer:
        return {"status": answer.status, "url": url}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, work, body=b""):
        try:
            status, result = 200, work(body)
        except Exception as error:
            detail = error.read().decode() if hasattr(error, "read") else ""
            status, result = 500, {"error": f"{type(error).__name__}: {error} {detail}"}
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(result).encode())

    def do_GET(self):
        self.answer(database if self.path == "/database" else lambda _: {"started_by": os.environ.get("STARTED_BY")})

    def do_PUT(self):
        self.answer(photo, self.rfile.read(int(self.headers["content-length"])))


http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
