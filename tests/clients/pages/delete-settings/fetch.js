const headers = {
  'Accept':'application/json',
  'Authorization':'Bearer {access-token}',
  'Content-Type':'application/json'
};

const body = {
  "keys": ["theme", "notifications.push"]
};

fetch('https://backend.flashback.tech/settings/user',
{
  method: 'DELETE',
  headers: headers,
  body: JSON.stringify(body)
})
.then(function(res) {
    return res.json();
}).then(function(body) {
    console.log(body);
});
