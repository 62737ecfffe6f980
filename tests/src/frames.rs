//! HTTP/2 frames by hand, for requests that no proper client would send. One request a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::{Pass, Zone, wire};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// What a frame may hold until the other side says otherwise.
const FRAME: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(15);

/// How the other side took a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It answered with a status.
    Status(u16),
    /// It reset the stream with a code.
    Reset(u32),
    /// It ended the connection, with a code where it said one.
    Ended(Option<u32>),
}

/// A connection.
pub struct Frames {
    socket: TlsStream<TcpStream>,
    /// Its own address.
    pub from: SocketAddr,
}

impl Frames {
    /// A connection to a zone, TLS and preface done.
    ///
    /// # Panics
    /// Where it fails.
    pub async fn open(pass: &Pass, zone: Zone, host: &str) -> Self {
        let (stream, from) = wire::dial(pass.at(zone)).await;
        let tls = pass.tls().alpn(&["h2"]);
        let socket = tls.over(stream, host).await.expect("a handshake");
        let mut frames = Self { socket, from };
        frames.socket.write_all(PREFACE).await.expect("a preface");
        frames.frame(SETTINGS, 0, 0, &[]).await;
        frames
    }

    async fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a frame's length");
        let [_, length @ ..] = length.to_be_bytes();
        let mut frame = length.to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        if self.socket.write_all(&frame).await.is_ok() {
            let _gone = self.socket.flush().await;
        }
    }

    /// Sends a head on stream 1; nothing follows it.
    pub async fn head(&mut self, fields: &[(&str, &str)]) {
        self.fields(fields, END_STREAM).await;
    }

    /// Sends a head on stream 1 and a body in one frame.
    pub async fn request(&mut self, fields: &[(&str, &str)], body: &[u8]) {
        self.fields(fields, 0).await;
        self.frame(DATA, END_STREAM, 1, body).await;
    }

    /// Sends the begin of a head on stream 1, whose rest never comes.
    pub async fn half_a_head(&mut self, fields: &[(&str, &str)]) {
        self.frame(HEADERS, 0, 1, &block(fields)).await;
    }

    async fn fields(&mut self, fields: &[(&str, &str)], flags: u8) {
        let block = block(fields);
        let mut pieces = block.chunks(FRAME).peekable();
        let mut kind = HEADERS;
        while let Some(piece) = pieces.next() {
            let ends = if pieces.peek().is_none() {
                END_HEADERS
            } else {
                0
            };
            let flags = if kind == HEADERS { flags | ends } else { ends };
            self.frame(kind, flags, 1, piece).await;
            kind = CONTINUATION;
        }
    }

    /// How the request was taken.
    ///
    /// # Panics
    /// Where the other side is silent for 15 seconds, or answers with a head that this cannot read.
    pub async fn taken(&mut self) -> Taken {
        let reading = async {
            let mut said = None;
            loop {
                let mut head = [0u8; 9];
                if self.socket.read_exact(&mut head).await.is_err() {
                    return Taken::Ended(said);
                }
                let [a, b, c, kind, flags, stream @ ..] = head;
                let length = u32::from_be_bytes([0, a, b, c]);
                let mut payload = vec![0; usize::try_from(length).expect("a length")];
                if self.socket.read_exact(&mut payload).await.is_err() {
                    return Taken::Ended(said);
                }
                let code = |at: usize| {
                    let bytes = payload.get(at..at + 4).expect("a code");
                    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
                };
                match (kind, u32::from_be_bytes(stream)) {
                    (HEADERS, 1) => return Taken::Status(status(&payload)),
                    (RESET, 1) => return Taken::Reset(code(0)),
                    (GO_AWAY, _) => said = Some(code(4)),
                    (SETTINGS, _) if flags & 1 == 0 => self.frame(SETTINGS, 1, 0, &[]).await,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the other side is not silent")
    }
}

/// Fields as HPACK literals that are not indexed, without Huffman (RFC 7541, 6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(text.len(), &mut block);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// A length with a prefix of seven bits (RFC 7541, 5.1).
fn integer(value: usize, into: &mut Vec<u8>) {
    if value < 127 {
        into.push(u8::try_from(value).expect("seven bits"));
        return;
    }
    into.push(127);
    let mut rest = value - 127;
    while rest > 127 {
        into.push(u8::try_from(rest & 127).expect("seven bits") | 128);
        rest >>= 7;
    }
    into.push(u8::try_from(rest).expect("seven bits"));
}

/// The status, which is the first field of an answer's head: indexed, or a literal under the name's index.
fn status(block: &[u8]) -> u16 {
    match block {
        [0x88, ..] => 200,
        [0x89, ..] => 204,
        [0x8a, ..] => 206,
        [0x8b, ..] => 304,
        [0x8c, ..] => 400,
        [0x8d, ..] => 404,
        [0x8e, ..] => 500,
        [0x48 | 0x08, length, text @ ..] => {
            let text = text.get(..usize::from(length & 127)).expect("a value");
            let digits = if length & 128 == 0 {
                text.iter().map(|b| u16::from(b - b'0')).collect()
            } else {
                huffman_digits(text)
            };
            digits.iter().take(3).fold(0, |n, d| n * 10 + d)
        }
        other => panic!("no status at the begin of {other:02x?}"),
    }
}

/// Digits in HPACK's Huffman code: 0, 1 and 2 in five bits, the others in six.
fn huffman_digits(text: &[u8]) -> Vec<u16> {
    let bits: Vec<u16> = text
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |n| u16::from(byte >> n & 1)))
        .collect();
    let number = |bits: &[u16]| bits.iter().fold(0, |n, bit| n << 1 | bit);
    let mut rest = bits.as_slice();
    let mut digits = Vec::new();
    while digits.len() < 3 {
        let (five, after) = rest.split_at_checked(5).expect("three digits");
        if number(five) < 3 {
            digits.push(number(five));
            rest = after;
        } else {
            let (six, after) = rest.split_at_checked(6).expect("three digits");
            digits.push(number(six) - 0x16);
            rest = after;
        }
    }
    digits
}
