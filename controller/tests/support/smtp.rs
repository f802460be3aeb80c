//! A mail server for tests: one log-in, one address that it refuses, and what it was
//! sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The only log-in.
pub(crate) const USER: &str = "monitor";
/// Its password.
pub(crate) const PASSWORD: &str = "zq7canarySMTP";
/// An address that is refused.
pub(crate) const NOBODY: &str = "nobody@example.org";

/// A running mail server.
pub(crate) struct Smtp {
    pub(crate) address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Smtp {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&mails);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let memory = Arc::clone(&memory);
                // Whoever goes in the middle of it ends it.
                tokio::spawn(async move { serve(stream, &memory).await });
            }
        });
        Self { address, mails }
    }

    /// What it was sent.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("no panic").clone()
    }
}

async fn serve(stream: TcpStream, mails: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example.org ESMTP\r\n").await?;
    let mut is_known = false;
    while let Some(line) = lines.next_line().await? {
        let word = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-mail.example.org\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => {
                is_known = logs_in(&line);
                if is_known {
                    "235 2.7.0 Authentication successful"
                } else {
                    "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6"
                }
            }
            "MAIL" if !is_known => "530 5.7.0 Authentication required",
            "RCPT" if line.contains(NOBODY) => {
                "550 5.1.1 <nobody@example.org>: Recipient address rejected: User unknown"
            }
            "DATA" => {
                write.write_all(b"354 End data with a dot\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                mails.lock().expect("no panic").push(mail);
                "250 2.0.0 Ok: queued"
            }
            "QUIT" => {
                write.write_all(b"221 2.0.0 Bye\r\n").await?;
                return Ok(());
            }
            _ => "250 2.0.0 Ok",
        };
        write.write_all(answer.as_bytes()).await?;
        write.write_all(b"\r\n").await?;
    }
    Ok(())
}

/// Whether `AUTH PLAIN` has the log-in.
fn logs_in(line: &str) -> bool {
    let given = line.split(' ').nth(2).unwrap_or_default();
    let expected = BASE64_STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
    given == expected
}
