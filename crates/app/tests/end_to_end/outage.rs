//! A database that is not there when the service starts, and comes later.

use crate::common::raw::free_address;
use crate::common::{Lethe, Store};
use serde_json::json;
use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Lets connections to `listener` through to `target`.
fn forward(listener: TcpListener, target: String) {
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(&target).unwrap();
            for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
}

#[test]
fn a_database_that_comes_later() {
    let store = Store::postgres();
    let url = store.url().to_owned();
    let (credentials, rest) = url.split_once('@').unwrap();
    let (database_address, database) = rest.split_once('/').unwrap();
    let address = free_address();
    let mut lethe = Lethe::install(store).with("storage.url", &format!("{credentials}@{address}/{database}"));
    lethe.serve();

    let (anonymous, admin) = (lethe.anonymous(), lethe.admin());
    anonymous.get("/healthz").expect(200);
    anonymous.get("/readyz").expect(503);
    let refused = admin.get("/api/v2/user/");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert!(!refused.text.contains(&address), "{refused:?}");
    refused.refused(503, "unavailable", "Service temporarily unavailable, try again later.");
    assert_eq!(admin.get("/settings/user").body(503)["success"], false);
    anonymous.get("/api/v2/user/me/").unauthorized();

    forward(TcpListener::bind(&address).unwrap(), database_address.to_owned());
    while anonymous.get("/readyz").status != 200 {}
    let ann = lethe.sign_up("ann");
    ann.prefer("theme", &json!("dark"));
    lethe.stop();
}
