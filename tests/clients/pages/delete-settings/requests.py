import requests
import json

headers = {
  'Accept': 'application/json',
  'Authorization': 'Bearer {access-token}',
  'Content-Type': 'application/json'
}

body = {
  "keys": ["theme", "notifications.push"]
}

r = requests.delete('https://backend.flashback.tech/settings/user',
                    headers=headers,
                    data=json.dumps(body))

print(r.json())
