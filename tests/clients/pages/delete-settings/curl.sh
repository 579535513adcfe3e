# You can also use wget
curl -X DELETE https://backend.flashback.tech/settings/user \
  -H 'Accept: application/json' \
  -H 'Authorization: Bearer {access-token}' \
  -H 'Content-Type: application/json' \
  -d '{
    "keys": ["theme", "notifications.push"]
  }'
