"""One token by msrestazure's MSIAuthentication, as apps of 2019 asked for it. Arguments: resource, client id."""
import json
import sys

from msrestazure.azure_active_directory import MSIAuthentication

_, resource, *selected = sys.argv
try:
    credentials = MSIAuthentication(resource=resource, **({"client_id": selected[0]} if selected else {}))
    credentials.set_token()
    print(json.dumps({"token": credentials.token["access_token"], "expires": credentials.token.get("expires_on")}))
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
