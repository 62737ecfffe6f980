//! JA4, the fingerprint of a client's TLS hello: which program speaks, whatever address and name it gives.
//!
//! `t13d1516h2_8daaf6152771_e5627efa2ab1`: transport, highest version offered, whether a host is named, how many cipher
//! suites and extensions, the first application protocol; then digests over the suites and over extensions with the
//! signature algorithms. Suites and extensions are sorted, since browsers shuffle them, and GREASE (RFC 8701) is left out.
//! Source: FoxIO, JA4 technical details, version of 2024; RFC 8446 section 4.1.2 for the hello.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most of a hello that is kept, in bytes; what TLS lets a record hold.
const LONGEST: usize = 16 * 1024;

/// Keeps a copy of the first bytes that are read, until somebody takes it.
#[derive(Debug)]
pub struct Overheard<T> {
    io: T,
    first: Option<Vec<u8>>,
}

impl<T> Overheard<T> {
    /// Listens from here on.
    pub fn new(io: T) -> Self {
        Self {
            io,
            first: Some(Vec::new()),
        }
    }

    /// What was read so far, at most 16 KiB; from now on nothing is kept.
    pub fn first(&mut self) -> Vec<u8> {
        self.first.take().unwrap_or_default()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Overheard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let done = Pin::new(&mut self.io).poll_read(context, buffer);
        if let Some(first) = &mut self.first {
            let new = buffer.filled().get(before..).unwrap_or_default();
            let room = LONGEST.saturating_sub(first.len()).min(new.len());
            first.extend_from_slice(new.get(..room).unwrap_or_default());
        }
        done
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Overheard<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// The fingerprint of the hello that these TLS records begin with; `None` if they do not hold a whole one.
pub fn fingerprint(records: &[u8]) -> Option<String> {
    Some(Hello::read(&message(records)?)?.fingerprint())
}

/// The first handshake message, put together from the records that it is spread over.
fn message(records: &[u8]) -> Option<Vec<u8>> {
    const HANDSHAKE: u8 = 22;
    let mut records = Bytes(records);
    let mut message = Vec::new();
    loop {
        if let Some([_, high, middle, low]) = message.first_chunk() {
            let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
            if message.len() >= 4 + length {
                message.truncate(4 + length);
                return Some(message);
            }
        }
        if records.byte()? != HANDSHAKE {
            return None;
        }
        let _version = records.word()?;
        message.extend_from_slice(records.long()?.0);
    }
}

/// What the fingerprint is made of.
#[derive(Debug, Default)]
struct Hello {
    version: u16,
    suites: Vec<u16>,
    extensions: Vec<u16>,
    named: bool,
    protocol: Vec<u8>,
    signatures: Vec<u16>,
}

const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

impl Hello {
    fn read(message: &[u8]) -> Option<Self> {
        const CLIENT_HELLO: u8 = 1;
        let mut bytes = Bytes(message);
        if bytes.byte()? != CLIENT_HELLO {
            return None;
        }
        bytes.take(3)?;
        let mut hello = Self {
            version: bytes.word()?,
            ..Self::default()
        };
        let _random = bytes.take(32)?;
        let _session = bytes.short()?;
        hello.suites = bytes.long()?.words();
        let _compression = bytes.short()?;
        if bytes.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = bytes.long()?;
        while !extensions.0.is_empty() {
            let kind = extensions.word()?;
            let mut content = extensions.long()?;
            match kind {
                SERVER_NAME => hello.named = true,
                SIGNATURE_ALGORITHMS => hello.signatures = content.long()?.words(),
                ALPN => hello.protocol = content.long()?.short()?.0.to_vec(),
                SUPPORTED_VERSIONS => {
                    let highest = content.short()?.words().into_iter().max();
                    hello.version = highest.unwrap_or(hello.version);
                }
                _ => {}
            }
            if !is_grease(kind) {
                hello.extensions.push(kind);
            }
        }
        Some(hello)
    }

    fn fingerprint(mut self) -> String {
        let version = match self.version {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            _ => "00",
        };
        let mut out = format!(
            "t{version}{}{:02}{:02}{}",
            if self.named { 'd' } else { 'i' },
            self.suites.len().min(99),
            self.extensions.len().min(99),
            ends(&self.protocol),
        );
        self.suites.sort_unstable();
        out.push('_');
        out.push_str(&digest_of(&listed(&self.suites)));
        self.extensions
            .retain(|kind| ![SERVER_NAME, ALPN].contains(kind));
        self.extensions.sort_unstable();
        let mut extensions = listed(&self.extensions);
        if !self.signatures.is_empty() {
            extensions.push('_');
            extensions.push_str(&listed(&self.signatures));
        }
        out.push('_');
        out.push_str(&digest_of(&extensions));
        out
    }
}

/// The first and the last character of a protocol's name, or of its hexadecimal form where one is neither letter nor
/// digit.
fn ends(protocol: &[u8]) -> String {
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [*first, *last].map(char::from).iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 15)
}

fn listed(values: &[u16]) -> String {
    let mut out = String::with_capacity(values.len() * 5);
    for (at, value) in values.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _written = write!(out, "{comma}{value:04x}");
    }
    out
}

/// The first twelve hexadecimal digits of the SHA-256; zeros of nothing.
fn digest_of(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    let digest = digest(&SHA256, text.as_bytes());
    let mut out = String::with_capacity(12);
    for byte in digest.as_ref().iter().take(6) {
        let _written = write!(out, "{byte:02x}");
    }
    out
}

/// Values that mean nothing and are offered to keep servers tolerant (RFC 8701).
const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// Bytes behind a length of one byte.
    fn short(&mut self) -> Option<Self> {
        let length = self.byte()?;
        self.take(length.into()).map(Self)
    }

    /// Bytes behind a length of two.
    fn long(&mut self) -> Option<Self> {
        let length = self.word()?;
        self.take(length.into()).map(Self)
    }

    /// All that is left as numbers of two bytes, without GREASE.
    fn words(&self) -> Vec<u16> {
        let pairs = self.0.chunks_exact(2).filter_map(|pair| pair.first_chunk());
        let words = pairs.map(|pair| u16::from_be_bytes(*pair));
        words.filter(|word| !is_grease(*word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn long(bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap();
        [&length.to_be_bytes(), bytes].concat()
    }

    fn words(values: &[u16]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect()
    }

    /// A hello as one message.
    fn hello(version: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([1, 9]);
        body.extend(long(&words(suites)));
        body.extend([1, 0]);
        if !extensions.is_empty() {
            let all: Vec<u8> = extensions
                .iter()
                .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &long(content)].concat())
                .collect();
            body.extend(long(&all));
        }
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[1], &length[1..], &body].concat()
    }

    /// A message in records of at most so many bytes.
    fn records(message: &[u8], most: usize) -> Vec<u8> {
        let one = |piece: &[u8]| [&[22, 3, 1][..], &long(piece)].concat();
        message.chunks(most).flat_map(one).collect()
    }

    /// The example of the specification: a browser, with what it shuffles and greases.
    fn browser() -> Vec<u8> {
        let suites = [
            0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
            0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let signatures = words(&[
            0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
        ]);
        let versions = words(&[0x5a5a, 0x0304, 0x0303]);
        let empty = [
            0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012, 0xff01, 0x000b, 0x000a,
            0x0015,
        ];
        let mut extensions = vec![
            (0xfafa, Vec::new()),
            (SERVER_NAME, long(b"\0\0\x07example")),
            (SIGNATURE_ALGORITHMS, long(&signatures)),
            (ALPN, long(b"\x02h2\x08http/1.1")),
            (SUPPORTED_VERSIONS, [&[6], &versions[..]].concat()),
        ];
        extensions.extend(empty.map(|kind| (kind, Vec::new())));
        hello(0x0303, &suites, &extensions)
    }

    #[test]
    fn the_example_of_the_specification_has_its_fingerprint() {
        let whole = browser();
        for most in [usize::MAX, 200, 64, 3] {
            let found = fingerprint(&records(&whole, most.min(whole.len())));
            assert_eq!(
                found.as_deref(),
                Some("t13d1516h2_8daaf6152771_e5627efa2ab1")
            );
        }
    }

    #[test]
    fn old_and_bare_hellos_have_one_too() {
        let of = |message: Vec<u8>| fingerprint(&records(&message, 16_000)).unwrap();
        assert_eq!(
            of(hello(0x0301, &[], &[])),
            "t10i000000_000000000000_000000000000"
        );
        let odd = hello(0x0303, &[0x1301; 120], &[(ALPN, long(b"\x02\xab\xcd"))]);
        assert!(of(odd.clone()).starts_with("t12i9901ad_"), "{}", of(odd));
        let nothing = of(hello(0x9999, &[0x1301], &[(0x0017, Vec::new())]));
        assert!(nothing.starts_with("t00i010100_"), "{nothing}");
    }

    #[test]
    fn what_is_no_whole_hello_has_none() {
        let whole = records(&browser(), 100);
        for cut in 0..whole.len() {
            assert_eq!(fingerprint(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(fingerprint(b"GET / HTTP/1.1\r\n\r\n"), None);
        let mut server = whole;
        server[5] = 2;
        assert_eq!(fingerprint(&server), None);
    }

    #[tokio::test]
    async fn what_is_overheard_is_what_was_read_and_no_more_than_asked() {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let sent: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        client.write_all(&sent).await.unwrap();
        let mut heard = Overheard::new(server);
        let mut read = vec![0; 30_000];
        heard.read_exact(&mut read).await.unwrap();
        assert_eq!(read, sent[..30_000]);
        assert_eq!(heard.first(), sent[..LONGEST]);
        heard.read_exact(&mut read[..10_000]).await.unwrap();
        assert_eq!(read[..10_000], sent[30_000..]);
        assert!(heard.first().is_empty());
        heard.write_all(b"answer").await.unwrap();
        let mut answer = [0; 6];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answer");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..200, to: u8) {
            let _any = fingerprint(&bytes);
            let mut near = records(&browser(), 150);
            if let Some(byte) = near.get_mut(at) {
                *byte = to;
            }
            let _near = fingerprint(&near);
            bytes.splice(0..0, [22, 3, 1]);
            let _record = fingerprint(&bytes);
        }
    }
}
