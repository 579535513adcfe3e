# You can also use wget
curl -X DELETE /api/v2/user/1/preference/1/
  -H "Authorization: Bearer <token>"
