//! A vendor for what no other program here is: slow on purpose, or with answers too large to hold.
//! On a thread of its own, so that whoever asks does not keep it from answering.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Error;

/// Longer than anything that is measured meanwhile.
const SLOW: Duration = Duration::from_secs(20);
/// What is below the server's limit for an answer that it holds, 2 MiB.
const HUGE: usize = 1900 * 1024;

/// What it answers, as it goes over the connection.
#[derive(Debug)]
struct Answers {
    record: Vec<u8>,
    list: Vec<u8>,
    huge: Vec<u8>,
}

/// Starts one that ends with this program.
pub fn start() -> Result<SocketAddr, Error> {
    start_with(|| {})
}

/// The same on a thread that waits for no other.
pub fn start_before_others() -> Result<SocketAddr, Error> {
    start_with(before_others)
}

/// The same on a thread that leaves the processors to all others.
pub fn start_behind_others() -> Result<SocketAddr, Error> {
    start_with(behind_others)
}

/// Has this thread leave the processors to others, on Linux; elsewhere it competes with them.
pub fn behind_others() {
    // Refused, it is as elsewhere.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 10);
}

/// Has this thread come before others, where that is allowed: what measures shall not wait for what is
/// measured.
pub fn before_others() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, -10);
}

fn start_with(first: fn()) -> Result<SocketAddr, Error> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        first();
        runtime.block_on(accept(listener))
    });
    Ok(address)
}

/// A record in its root, 300 bytes; also what the vendor answers.
pub fn record() -> String {
    format!("{{\"success\":true,\"data\":{}}}", one(1, 276))
}

/// A hundred of them, 37 KB.
pub fn list() -> String {
    many(100, 368)
}

fn many(count: usize, bytes: usize) -> String {
    let records: Vec<_> = (1..=count).map(|number| one(number, bytes)).collect();
    format!(
        "{{\"success\":true,\"data\":[{}],\"additional_data\":{{\"next_cursor\":null}}}}",
        records.join(",")
    )
}

fn one(number: usize, bytes: usize) -> String {
    let mut text = format!(
        "{{\"id\":{number},\"name\":\"Person {number}\",\"owner_id\":7,\
         \"add_time\":\"2026-01-02T03:04:05Z\",\"is_deleted\":false,\"notes\":\""
    );
    let rest = bytes.saturating_sub(text.len() + 2);
    // A text takes whatever is written into it.
    let _ = write!(text, "{:x>rest$}\"}}", "");
    text
}

fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn accept(listener: std::net::TcpListener) -> Result<(), Error> {
    let listener = TcpListener::from_std(listener)?;
    let answers = Arc::new(Answers {
        record: answer(&record()),
        list: answer(&list()),
        huge: answer(&many(HUGE / 369, 368)),
    });
    loop {
        // Without a free file the next one may be accepted.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(serve(stream, Arc::clone(&answers)));
    }
}

/// One request after the other. The connection ends with its client.
async fn serve(mut stream: TcpStream, answers: Arc<Answers>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut received = BytesMut::new();
    loop {
        let (path, length) = loop {
            if let Some(head) = head(&received)? {
                break head;
            }
            receive(&mut stream, &mut received).await?;
        };
        let mut left = length;
        while left > received.len() {
            left -= received.len();
            received.clear();
            receive(&mut stream, &mut received).await?;
        }
        received.advance(left);
        let answer = match path.split('?').next().unwrap_or_default() {
            "/records" => &answers.list,
            "/huge" => &answers.huge,
            "/slow" => {
                tokio::time::sleep(SLOW).await;
                &answers.record
            }
            _ => &answers.record,
        };
        stream.write_all(answer).await?;
    }
}

/// Target, and the length of head and body.
fn head(received: &[u8]) -> Result<Option<(String, usize)>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(received)? else {
        return Ok(None);
    };
    let mut found = request.headers.iter();
    let length = found.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = match length {
        Some(header) => std::str::from_utf8(header.value)?.parse()?,
        None => 0,
    };
    Ok(Some((
        // A POST makes a record, wherever it goes.
        match request.method {
            Some("GET") => request.path.unwrap_or_default().to_owned(),
            _ => String::new(),
        },
        head + length,
    )))
}

async fn receive(stream: &mut TcpStream, received: &mut BytesMut) -> Result<(), Error> {
    received.reserve(16 * 1024);
    match stream.read_buf(received).await? {
        0 => Err("the client is gone".into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{head, list, record};

    #[test]
    fn answers_have_the_sizes_that_are_named() {
        assert_eq!(record().len(), 300);
        assert!((36_000..38_000).contains(&list().len()), "{}", list().len());
    }

    #[test]
    fn a_request_is_read_with_its_body() {
        assert_eq!(head(b"GET /records HTTP/1.1\r\nhost: x").ok(), Some(None));
        let whole = b"POST /records HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        let (path, length) = head(whole).expect("a head").expect("whole");
        assert_eq!((path.as_str(), length), ("", whole.len()));
    }
}
