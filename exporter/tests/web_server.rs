//! The HTTP server on real sockets: TLS, client certificates, passwords, files that change while
//! it runs, limits, and an orderly end.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod web;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ipmi_exporter::web::listen::ServerOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use web::{Home, PATIENCE, Running, client_builder, start, wait_until};

async fn plain(home: &Home) -> Running {
    start(home, ServerOptions::default()).await
}

/// Status and body.
async fn get(client: &reqwest::Client, url: &str) -> (u16, String) {
    let response = client.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn without_a_file_plain_http_is_served_and_connections_are_kept() {
    let home = Home::new();
    let server = plain(&home).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("hello HTTP/1.1"), "{answer}");
    }
    assert_eq!(server.backstage.seen(), 3);
}

/// One answer with `Content-Length`.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut bytes)).await;
        if read.unwrap().unwrap() == 0 {
            return text;
        }
    }
}

/// Has the server closed the connection?
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // A reset says the same.
    read.expect("the server never closed the connection")
        .is_ok_and(|_| rest.is_empty())
        || rest.is_empty()
}

#[tokio::test]
async fn tls_serves_http_2_and_http_1() {
    let home = Home::new();
    home.write_tls("");
    let server = plain(&home).await;
    let (status, body) = get(&home.client(None), &server.https("/")).await;
    assert_eq!((status, body.as_str()), (200, "hello HTTP/2.0"));
    let old = client_builder().http1_only();
    let authority = std::fs::read(home.path("ca.pem")).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let old = old.tls_certs_only([authority]).build().unwrap();
    assert_eq!(get(&old, &server.https("/")).await.1, "hello HTTP/1.1");
    // Without TLS on a TLS port there is no answer, and the server goes on.
    assert!(old.get(server.http("/")).send().await.is_err());
    assert_eq!(get(&old, &server.https("/")).await.0, 200);
}

#[tokio::test]
async fn http_2_can_be_switched_off() {
    let home = Home::new();
    home.write_tls("http_server_config:\n  http2: false\n");
    let server = plain(&home).await;
    assert_eq!(
        get(&home.client(None), &server.https("/")).await.1,
        "hello HTTP/1.1"
    );
}

#[tokio::test]
async fn versions_outside_the_limits_are_refused() {
    let home = Home::new();
    home.write_tls("  min_version: TLS13\n");
    let server = plain(&home).await;
    let authority = std::fs::read(home.path("ca.pem")).unwrap();
    let client = |version| {
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        client_builder()
            .tls_certs_only([authority])
            .tls_version_max(version)
            .build()
            .unwrap()
    };
    let modern = client(reqwest::tls::Version::TLS_1_3);
    assert_eq!(get(&modern, &server.https("/")).await.0, 200);
    let old = client(reqwest::tls::Version::TLS_1_2);
    assert!(old.get(server.https("/")).send().await.is_err());
}

/// Who gets in with each `client_auth_type`: nobody's certificate, one of another authority, one
/// of ours, one of ours with an allowed name.
#[tokio::test]
async fn client_certificates_are_judged_by_type_and_name() {
    let home = Home::new();
    let stranger = Home::new();
    let ca = "  client_ca_file: ca.pem\n";
    let san = "  client_allowed_sans: [prometheus.example, 192.0.2.7, ops@example.com]\n";
    for (settings, expected) in [
        (
            "  client_auth_type: NoClientCert\n".to_owned(),
            [true, true, true, true],
        ),
        (
            "  client_auth_type: RequestClientCert\n".to_owned(),
            [true, true, true, true],
        ),
        (
            "  client_auth_type: RequireAnyClientCert\n".to_owned(),
            [false, true, true, true],
        ),
        (
            "  client_auth_type: RequireClientCert\n".to_owned(),
            [false, true, true, true],
        ),
        (
            format!("  client_auth_type: VerifyClientCertIfGiven\n{ca}"),
            [true, false, true, true],
        ),
        (
            format!("  client_auth_type: RequireAndVerifyClientCert\n{ca}"),
            [false, false, true, true],
        ),
        (
            format!("  client_auth_type: RequireAndVerifyClientCert\n{ca}{san}"),
            [false, false, false, true],
        ),
        (
            format!("  client_auth_type: RequireAnyClientCert\n{san}"),
            [false, false, false, true],
        ),
    ] {
        home.write_tls(&settings);
        let server = plain(&home).await;
        let identities = [
            None,
            Some(stranger.issue_client(&["stranger.example"])),
            Some(home.issue_client(&["other.example"])),
            Some(home.issue_client(&["prometheus.example"])),
        ];
        for (identity, expected) in identities.into_iter().zip(expected) {
            let client = home.client(identity);
            let answer = client.get(server.https("/")).send().await;
            assert_eq!(answer.is_ok(), expected, "{settings}{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_name_may_be_an_address() {
    let home = Home::new();
    home.write_tls(
        "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [192.0.2.7]\n",
    );
    let server = plain(&home).await;
    for (name, expected) in [("192.0.2.7", true), ("192.0.2.8", false)] {
        let client = home.client(Some(home.issue_client(&[name])));
        assert_eq!(
            client.get(server.https("/")).send().await.is_ok(),
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn passwords_guard_every_path() {
    let home = Home::new();
    let hash = bcrypt::hash("secret", 4).unwrap();
    home.write("web.yml", &format!("basic_auth_users:\n  alice: {hash}\n"));
    let server = plain(&home).await;
    let client = client_builder().build().unwrap();
    for (user, password, expected) in [
        ("alice", "secret", 200),
        ("alice", "wrong", 401),
        ("mallory", "secret", 401),
        ("alice", "secret", 200),
    ] {
        let request = client
            .get(server.http("/any"))
            .basic_auth(user, Some(password));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected, "{user} {password}");
    }
    let response = client.post(server.http("/-/reload")).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Basic");
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.text().await.unwrap(), "Unauthorized\n");
    assert_eq!(
        server.backstage.seen(),
        2,
        "only good requests reach the handler"
    );
}

#[tokio::test]
async fn changed_users_count_at_once() {
    let home = Home::new();
    let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
    home.write(
        "web.yml",
        &format!("basic_auth_users:\n  alice: {}\n", hash("old")),
    );
    let server = plain(&home).await;
    let client = client_builder().build().unwrap();
    let status = async |password: &str| {
        let request = client
            .get(server.http("/"))
            .basic_auth("alice", Some(password));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((status("old").await, status("new").await), (200, 401));
    home.write(
        "web.yml",
        &format!("basic_auth_users:\n  alice: {}\n", hash("new")),
    );
    assert_eq!((status("old").await, status("new").await), (401, 200));
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart() {
    let home = Home::new();
    home.issue_server(&["elsewhere.example"]);
    home.write_tls("");
    let server = plain(&home).await;
    let client = home.client(None);
    assert!(
        client.get(server.https("/")).send().await.is_err(),
        "wrong name"
    );
    home.issue_server(&["127.0.0.1"]);
    assert_eq!(get(&client, &server.https("/")).await.0, 200);
}

#[tokio::test]
async fn a_broken_file_answers_500_until_it_is_good_again() {
    let home = Home::new();
    home.write(
        "web.yml",
        "http_server_config: {headers: {X-Frame-Options: deny}}\n",
    );
    let server = plain(&home).await;
    let client = client_builder().build().unwrap();
    let response = client.get(server.http("/")).send().await.unwrap();
    assert_eq!(response.headers()["x-frame-options"], "deny");
    home.write("web.yml", "basic_auth_user: {}\n");
    let expected = (500, "Internal Server Error\n".to_owned());
    assert_eq!(get(&client, &server.http("/")).await, expected);
    // TLS cannot be switched on while plain connections are open: refused as a whole.
    home.write_tls("");
    assert_eq!(get(&client, &server.http("/")).await, expected);
    home.write("web.yml", "");
    assert_eq!(get(&client, &server.http("/")).await.0, 200);
    assert_eq!(server.backstage.seen(), 2);
}

#[tokio::test]
async fn over_tls_a_broken_file_answers_500_too() {
    let home = Home::new();
    home.write_tls("");
    let server = plain(&home).await;
    let client = home.client(None);
    home.write("server-key.pem", "nonsense");
    assert_eq!(get(&client, &server.https("/")).await.0, 500);
    home.issue_server(&["127.0.0.1"]);
    assert_eq!(get(&client, &server.https("/")).await.0, 200);
}

#[tokio::test]
async fn requests_over_the_rate_get_429() {
    let home = Home::new();
    home.write("web.yml", "rate_limit: {interval: 1h, burst: 2}\n");
    let server = plain(&home).await;
    let client = client_builder().build().unwrap();
    assert_eq!(get(&client, &server.http("/")).await.0, 200);
    assert_eq!(get(&client, &server.http("/")).await.0, 200);
    let expected = (429, "Too Many Requests\n".to_owned());
    assert_eq!(get(&client, &server.http("/")).await, expected);
}

#[tokio::test]
async fn a_large_answer_is_compressed_when_asked_for() {
    let home = Home::new();
    let server = plain(&home).await;
    let client = client_builder().build().unwrap();
    let plain = client.get(server.http("/large")).send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    let request = client
        .get(server.http("/large"))
        .header("Accept-Encoding", "deflate, gzip;q=0.9");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let compressed = response.bytes().await.unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&compressed[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain);
}

#[tokio::test]
async fn a_shutdown_lets_running_requests_finish_and_closes_idle_connections() {
    let home = Home::new();
    let mut server = plain(&home).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let url = server.http("/wait");
    let request = tokio::spawn(async move { get(&client_builder().build().unwrap(), &url).await });
    server.backstage.wait_until_seen(1).await;

    server.shutdown.cancel();
    assert!(is_closed(&mut idle).await);
    let address = server.address;
    // The listener is closed as soon as its task has noticed.
    for _ in 0.. {
        if TcpStream::connect(address).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(!server.task.is_finished(), "the request is still running");
    server.backstage.release.notify_one();
    assert_eq!(request.await.unwrap().0, 200);
    tokio::time::timeout(PATIENCE, &mut server.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_the_drain_limit() {
    let home = Home::new();
    let options = ServerOptions {
        drain_timeout: Duration::from_millis(50),
        ..ServerOptions::default()
    };
    let mut server = start(&home, options).await;
    let url = server.http("/wait");
    let request = tokio::spawn(async move {
        client_builder()
            .build()
            .unwrap()
            .get(url)
            .send()
            .await
            .is_err()
    });
    server.backstage.wait_until_seen(1).await;
    server.shutdown.cancel();
    tokio::time::timeout(PATIENCE, &mut server.task)
        .await
        .unwrap()
        .unwrap();
    assert!(request.await.unwrap());
}

#[tokio::test]
async fn beyond_the_connection_limit_idle_ones_make_room_and_busy_ones_do_not() {
    let home = Home::new();
    let options = ServerOptions {
        max_connections: 2,
        ..ServerOptions::default()
    };
    let server = start(&home, options).await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    // Two idle connections, in a known order.
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(&request("/")).await.unwrap();
    read_answer(&mut first).await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(&request("/")).await.unwrap();
    read_answer(&mut second).await;

    let mut third = TcpStream::connect(server.address).await.unwrap();
    third.write_all(&request("/wait")).await.unwrap();
    server.backstage.wait_until_seen(3).await;
    assert!(
        is_closed(&mut first).await,
        "the longest idle one made room"
    );
    second.write_all(&request("/wait")).await.unwrap();
    server.backstage.wait_until_seen(4).await;

    let mut fourth = TcpStream::connect(server.address).await.unwrap();
    let answer = read_answer(&mut fourth).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("Too many connections\n"), "{answer}");

    server.backstage.release.notify_waiters();
    assert!(read_answer(&mut second).await.starts_with("HTTP/1.1 200"));
    assert!(read_answer(&mut third).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_request_that_trickles_in_is_dropped() {
    let home = Home::new();
    let options = ServerOptions {
        header_timeout: Duration::from_millis(100),
        ..ServerOptions::default()
    };
    let server = start(&home, options).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n")
        .await
        .unwrap();
    assert!(is_closed(&mut slow).await);
    assert_eq!(server.backstage.seen(), 0);
}

#[tokio::test]
async fn wrong_passwords_at_once_do_not_keep_out_who_is_known() {
    let home = Home::new();
    let hash = bcrypt::hash("secret", 8).unwrap();
    home.write("web.yml", &format!("basic_auth_users:\n  alice: {hash}\n"));
    let server = Arc::new(plain(&home).await);
    let client = client_builder().build().unwrap();
    let status = async |password: String| {
        let request = client
            .get(server.http("/"))
            .basic_auth("alice", Some(password));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("secret".to_owned()).await, 200);
    let flood: Vec<_> = (0..100)
        .map(|number| {
            let (client, url) = (client.clone(), server.http("/"));
            tokio::spawn(async move {
                let request = client
                    .get(url)
                    .basic_auth("alice", Some(number.to_string()));
                request.send().await.unwrap().status().as_u16()
            })
        })
        .collect();
    assert_eq!(status("secret".to_owned()).await, 200);
    let mut refused = 0;
    for request in flood {
        let status = request.await.unwrap();
        assert!(status == 401 || status == 429, "{status}");
        refused += 1;
    }
    assert_eq!(refused, 100);
    wait_until(|| server.backstage.seen() == 2).await;
}
