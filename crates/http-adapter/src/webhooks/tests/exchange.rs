//! What is sent, and what comes of each kind of answer.

use super::*;
use standardwebhooks::Webhook;
use std::io;
use std::sync::Arc;
use ureq::http::HeaderMap;

#[tokio::test]
async fn a_message_is_sent_as_the_specification_says() {
    let (url, hearing) = receiver(|mut stream| stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap());
    assert_eq!(tell(&neighbourly(&url, PATIENCE), &url).await, Answer::Accepted(204));
    let heard = hearing.join().unwrap();
    assert!(heard.head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{}", heard.head);
    for (name, value) in [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("content-type", "application/json"),
        ("user-agent", concat!("Lethe/", env!("CARGO_PKG_VERSION"))),
        ("content-length", "20"),
    ] {
        assert_eq!(heard.header(name), Some(value), "{name}");
    }
    assert_eq!(heard.body, br#"{"test": 2432232314}"#);
    assert!(heard.header("authorization").is_none());
}

/// By the library's own check of what was received, which looks at the time as well.
#[tokio::test]
async fn a_receiver_can_verify_the_exact_bytes() {
    let (url, hearing) = receiver(|mut stream| stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap());
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let body = "{\"ext_id\":\"\u{e9}\\n \u{1f30a}\" , \"n\": 1e400}\n";
    let message = Message { id: "evt_42_1_user.erased.0123456789abcdef".into(), timestamp: Timestamp::from_micros(now.try_into().unwrap()), body: body.into() };
    assert_eq!(neighbourly(&url, PATIENCE).send(&EndpointId::of_url(&url), &message).await, Answer::Accepted(200));
    let heard = hearing.join().unwrap();
    assert_eq!(heard.body, body.as_bytes());

    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, heard.header(name).unwrap().parse().unwrap());
    }
    assert!(Webhook::new(SECRET).unwrap().verify(&heard.body, &headers).is_ok());
    assert!(Webhook::new(SECRET).unwrap().verify(&heard.body[1..], &headers).is_err());
    assert!(Webhook::from_bytes(vec![0; 24]).unwrap().verify(&heard.body, &headers).is_err());
}

#[tokio::test]
async fn every_answer_is_understood() {
    for (answer, meaning) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Answer::Accepted(200)),
        ("HTTP/1.0 202 Accepted\r\n\r\n", Answer::Accepted(202)),
        ("HTTP/1.1 500 Oh\r\ncontent-length: 5\r\n\r\nsorry", Answer::Refused(500, None)),
        ("HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", Answer::Refused(404, None)),
        ("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", Answer::Gone),
        ("HTTP/1.1 429 Slow\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n", Answer::Refused(429, Some(Duration::from_mins(2)))),
        ("HTTP/1.1 503 Off\r\nRetry-After: Thu, 25 Feb 2021 16:02:10 GMT\r\ncontent-length: 0\r\n\r\n", Answer::Refused(503, Some(Duration::from_hours(1)))),
        ("HTTP/1.1 503 Off\r\nRetry-After: 9999999\r\ncontent-length: 0\r\n\r\n", Answer::Refused(503, Some(Duration::from_hours(24)))),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", Answer::Accepted(204)),
    ] {
        assert_eq!(answer_to(answer).await, meaning, "{answer}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (elsewhere, there) = listen();
        let (url, hearing) = receiver(move |mut stream| {
            write!(stream, "HTTP/1.1 {status} There\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        assert_eq!(tell(&neighbourly(&url, PATIENCE), &url).await, Answer::Refused(status, None));
        hearing.join().unwrap();
        assert!(is_unvisited(&elsewhere), "{status}");
    }
}

#[tokio::test]
async fn silence_has_an_end() {
    let (_listener, url) = listen();
    assert_eq!(tell(&neighbourly(&url, IMPATIENCE), &url).await, Answer::Unreachable("timed out".into()));
}

/// Somebody who says that to whoever comes, and then nothing more.
fn falter(answer: &'static str) -> String {
    let (listener, url) = listen();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        // Until the other side hangs up.
        let _ = io::copy(&mut stream, &mut io::sink());
    });
    url
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_has_an_end() {
    let url = falter("HTTP/1.1 200 OK\r\ncontent-le");
    assert_eq!(tell(&neighbourly(&url, IMPATIENCE), &url).await, Answer::Unreachable("timed out".into()));
}

#[tokio::test]
async fn a_body_that_stops_in_the_middle_has_an_end() {
    let url = falter("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwait");
    let answer = tell(&neighbourly(&url, IMPATIENCE), &url).await;
    // On a busy machine the time may be over before the answer begins.
    assert!(answer == Answer::Accepted(200) || answer == Answer::Unreachable("timed out".into()), "{answer:?}");
}

#[tokio::test]
async fn a_body_that_is_cut_changes_no_answer() {
    assert_eq!(answer_to("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwait").await, Answer::Accepted(200));
    assert_eq!(answer_to("HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\nzz").await, Answer::Refused(500, None));
}

#[tokio::test]
async fn whoever_hangs_up_has_not_answered() {
    let cut = Answer::Unreachable("the connection was cut".into());
    assert_eq!(answer_to("").await, cut);
    assert_eq!(answer_to("HTTP/1.1 200 OK\r\ncontent-le").await, cut);
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    for answer in ["220 mail.example.org ESMTP\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n"] {
        assert_eq!(answer_to(answer).await, Answer::Unreachable("the answer is no HTTP".into()), "{answer:?}");
    }
}

#[tokio::test]
async fn nobody_there() {
    let (listener, url) = listen();
    drop(listener);
    assert_eq!(tell(&neighbourly(&url, PATIENCE), &url).await, Answer::Unreachable("connection refused".into()));
}

/// Writes on and on, until nobody wants to hear it. That is soon: what is on its way between two sockets is not much.
fn rant(mut stream: TcpStream, start: &str, line: &str) {
    stream.write_all(start.as_bytes()).unwrap();
    let chunk = line.repeat(1024);
    for _ in 0..(256 << 20) / chunk.len() {
        if stream.write_all(chunk.as_bytes()).is_err() {
            return;
        }
    }
    panic!("it was heard to the end");
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"] {
        let (url, hearing) = receiver(move |stream| rant(stream, head, "and more of the same, and so on "));
        assert_eq!(tell(&neighbourly(&url, PATIENCE), &url).await, Answer::Accepted(200));
        hearing.join().unwrap();
    }
}

#[tokio::test]
async fn an_endless_head_is_no_answer() {
    let (url, hearing) = receiver(|stream| rant(stream, "HTTP/1.1 200 OK\r\n", "x-more: and more of the same, and so on\r\n"));
    assert_eq!(tell(&neighbourly(&url, PATIENCE), &url).await, Answer::Unreachable("the answer is no HTTP".into()));
    hearing.join().unwrap();
}

#[tokio::test]
async fn each_attempt_has_a_connection_of_its_own() {
    let (listener, url) = listen();
    let hearing = thread::spawn(move || {
        // Both stay open.
        let streams = [(), ()].map(|()| {
            let (mut stream, _) = listener.accept().unwrap();
            Heard::read(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            stream
        });
        drop(streams);
    });
    let webhooks = neighbourly(&url, PATIENCE);
    for _ in 0..2 {
        assert_eq!(tell(&webhooks, &url).await, Answer::Accepted(200));
    }
    hearing.join().unwrap();
}

fn attempt(webhooks: &Arc<Webhooks>, url: &str) -> tokio::task::JoinHandle<Answer> {
    let (webhooks, url) = (Arc::clone(webhooks), url.to_owned());
    tokio::spawn(async move { tell(&webhooks, &url).await })
}

#[tokio::test]
async fn only_so_many_are_told_at_once() {
    let (listener, url) = listen();
    let (webhooks, id) = (Arc::new(neighbourly(&url, PATIENCE)), EndpointId::of_url(&url));
    assert_eq!(webhooks.free_slots(&id), Some(8));
    let attempts: Vec<_> = (0..9).map(|_| attempt(&webhooks, &url)).collect();
    let accept = move |count: usize| {
        let streams: Vec<_> = (0..count).map(|_| listener.accept().unwrap().0).collect();
        (listener, streams)
    };
    let (listener, streams) = tokio::task::spawn_blocking(move || accept(8)).await.unwrap();
    assert_eq!(webhooks.free_slots(&id), Some(0));
    let rest = tokio::task::spawn_blocking(move || {
        let answer = |mut stream: TcpStream| {
            Heard::read(&mut stream);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        };
        streams.into_iter().for_each(answer);
        answer(listener.accept().unwrap().0);
    });
    for attempt in attempts {
        assert_eq!(attempt.await.unwrap(), Answer::Accepted(204));
    }
    rest.await.unwrap();
    assert_eq!(webhooks.free_slots(&id), Some(8));
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_no_other() {
    let (hanging, silent) = listen();
    let (url, hearing) = receiver(|mut stream| stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap());
    let webhooks = Arc::new(neighbourly_to(&[&silent, &url], PATIENCE));
    let attempts: Vec<_> = (0..9).map(|_| attempt(&webhooks, &silent)).collect();
    // All of them are under way, or wait for one that is.
    let accepted = tokio::task::spawn_blocking(move || (0..8).map(|_| hanging.accept().unwrap().0).collect::<Vec<_>>());
    let streams = accepted.await.unwrap();
    assert_eq!(webhooks.free_slots(&EndpointId::of_url(&silent)), Some(0));
    assert_eq!(tell(&webhooks, &url).await, Answer::Accepted(204));
    hearing.join().unwrap();
    assert!(attempts.iter().all(|attempt| !attempt.is_finished()));
    drop(streams);
}

#[tokio::test]
async fn an_attempt_that_nobody_waits_for_counts_until_it_is_done() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let (arrive, arrival) = tokio::sync::oneshot::channel();
    let (url, hearing) = receiver(move |mut stream| {
        arrive.send(()).unwrap();
        assert!(ended.recv().is_err());
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    let webhooks = Arc::new(neighbourly(&url, PATIENCE));
    let attempt = attempt(&webhooks, &url);
    arrival.await.unwrap();
    attempt.abort();
    assert!(attempt.await.unwrap_err().is_cancelled());
    assert_eq!(webhooks.free_slots(&EndpointId::of_url(&url)), Some(7));
    drop(end);
    hearing.join().unwrap();
}

#[tokio::test]
async fn strangers_are_not_told() {
    let (listener, url) = listen();
    let webhooks = neighbourly(&url, PATIENCE);
    assert_eq!(webhooks.endpoints(), [EndpointId::of_url(&url)]);
    assert_eq!(tell(&webhooks, "http://192.0.2.1/").await, Answer::Unreachable("the endpoint is not configured".into()));
    assert!(is_unvisited(&listener));
}

#[tokio::test]
async fn what_fits_into_no_header_is_not_sent() {
    let (listener, url) = listen();
    let odd = Message { id: "a\r\nb: c".into(), ..message() };
    assert_eq!(neighbourly(&url, PATIENCE).send(&EndpointId::of_url(&url), &odd).await, Answer::Unreachable("the request failed".into()));
    assert!(is_unvisited(&listener));
}
