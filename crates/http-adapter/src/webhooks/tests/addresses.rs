//! What a host's name stands for is looked at before it is reached, however it is spelt.

use super::*;

/// A URL of this machine in that spelling.
fn spelt(host: &str, listener: &TcpListener) -> String {
    format!("http://{host}:{}/", listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn this_machine_is_refused_in_every_spelling() {
    let (listener, _) = listen();
    for host in ["127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"] {
        let url = spelt(host, &listener);
        let webhooks = Webhooks::new(config(&url, PATIENCE)).unwrap();
        assert_eq!(tell(&webhooks, &url).await, Answer::Unreachable("the address 127.0.0.1 is not allowed".into()), "{host}");
    }
    for (host, address) in
        [("[::1]", "::1"), ("[0:0:0:0:0:0:0:1]", "::1"), ("0", "0.0.0.0"), ("[::]", "::"), ("[::127.0.0.1]", "::7f00:1"), ("[64:ff9b::7f00:1]", "127.0.0.1")]
    {
        let url = spelt(host, &listener);
        let webhooks = Webhooks::new(config(&url, PATIENCE)).unwrap();
        assert_eq!(tell(&webhooks, &url).await, Answer::Unreachable(format!("the address {address} is not allowed")), "{host}");
    }
    assert!(is_unvisited(&listener));
}

#[tokio::test]
async fn a_name_for_this_machine_is_refused() {
    let (listener, _) = listen();
    let url = spelt("localhost", &listener);
    let webhooks = Webhooks::new(config(&url, PATIENCE)).unwrap();
    let answer = tell(&webhooks, &url).await;
    assert!(matches!(&answer, Answer::Unreachable(reason) if reason.starts_with("the address ") && reason.ends_with("1 is not allowed")), "{answer:?}");
    assert!(is_unvisited(&listener));
}

#[tokio::test]
async fn what_is_allowed_is_reached_in_every_spelling() {
    let (listener, _) = listen();
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"] {
        let url = spelt(host, &listener);
        let hearing = thread::spawn({
            let listener = listener.try_clone().unwrap();
            move || {
                let (mut stream, _) = listener.accept().unwrap();
                let heard = Heard::read(&mut stream);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
                heard
            }
        });
        assert_eq!(tell(&neighbourly(&url, PATIENCE), &url).await, Answer::Accepted(204), "{host}");
        assert_eq!(hearing.join().unwrap().header("host"), Some(url.trim_start_matches("http://").trim_end_matches('/')));
    }
}

#[tokio::test]
async fn one_network_allowed_is_no_other() {
    let (listener, url) = listen();
    let allowed_networks = vec!["127.0.0.2/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    let webhooks = Webhooks::new(WebhookConfig { allowed_networks, ..config(&url, PATIENCE) }).unwrap();
    assert_eq!(tell(&webhooks, &url).await, Answer::Unreachable("the address 127.0.0.1 is not allowed".into()));
    assert!(is_unvisited(&listener));
}

#[tokio::test]
async fn a_name_that_stands_for_nothing_is_told_as_such() {
    // By RFC 6761 there is no such name.
    let url = "http://nowhere.invalid/";
    assert_eq!(tell(&neighbourly(url, PATIENCE), url).await, Answer::Unreachable("no such host".into()));
}
