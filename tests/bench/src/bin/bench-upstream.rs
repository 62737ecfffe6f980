//! The upstream behind every proxy: a kilobyte of JSON, a long download of personal records, a place for uploads.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Body = BoxBody<Bytes, Infallible>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), hangu_bench::Failure> {
    let address: SocketAddr = std::env::args()
        .nth(1)
        .ok_or("usage: bench-upstream ADDRESS")?
        .parse()?;
    let small = Bytes::from(small());
    let block = Bytes::from(block());
    let listener = TcpListener::bind(address).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let (small, block) = (small.clone(), block.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, small.clone(), block.clone()));
            // A client that goes away is no concern of an upstream.
            let _gone = http1::Builder::new()
                .serve_connection(TokioIo::new(tcp), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    small: Bytes,
    block: Bytes,
) -> Result<Response<Body>, hyper::Error> {
    let body = if matches!(*request.method(), Method::POST | Method::PUT) {
        let mut body = request.into_body();
        let mut bytes = 0usize;
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        Full::new(Bytes::from(format!("{{\"bytes\":{bytes}}}"))).boxed()
    } else {
        match request
            .uri()
            .path()
            .rsplit_once("/download/")
            .and_then(|(_, n)| n.parse::<u64>().ok())
        {
            Some(bytes) => download(block, bytes),
            None => Full::new(small).boxed(),
        }
    };
    debug_assert!(!body.is_end_stream(), "every answer has a body");
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A JSON array of at least so many bytes, a block at a time.
fn download(block: Bytes, bytes: u64) -> Body {
    let blocks = bytes.div_ceil(block.len() as u64);
    let pieces = stream::iter((0..blocks + 2).map(move |i| {
        let piece = match i {
            0 => Bytes::from_static(b"["),
            i if i <= blocks => block.clone(),
            _ => Bytes::from_static(b"null]"),
        };
        Ok(Frame::data(piece))
    }));
    StreamBody::new(pieces).boxed()
}

/// A kilobyte without anything that redaction would touch.
fn small() -> String {
    let mut text = String::from("[");
    for i in 0..11 {
        if i > 0 {
            text.push(',');
        }
        text.push_str(&format!(
            "{{\"id\":{i:03},\"item\":\"office supplies\",\"city\":\"Chengdu\",\"amount\":{}.50,\"state\":\"accepted\"}}",
            100 + i
        ));
    }
    text.push_str(&" ".repeat(1023usize.saturating_sub(text.len())));
    text.push(']');
    text
}

/// 64 KiB of records of made-up citizens: identity number, mobile, bank card and e-mail address, each well-formed.
fn block() -> String {
    let mut text = String::with_capacity(70_000);
    let mut i = 0u64;
    while text.len() < 65_536 {
        text.push_str(&format!(
            "{{\"id\":{i},\"姓名\":\"王小明\",\"身份证\":\"{}\",\"手机\":\"1380000{:04}\",\"银行卡\":\"{}\",\"email\":\"user{i}@example.com\",\"备注\":\"材料已受理，无补正\"}},\n",
            resident_id(i),
            i % 10_000,
            bank_card(i),
        ));
        i += 1;
    }
    text
}

fn resident_id(i: u64) -> String {
    const WEIGHTS: [u64; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("11010119900307{:03}", i % 1_000);
    let sum: u64 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u64::from(digit - b'0') * weight)
        .sum();
    let check = b"10X98765432"
        .get(usize::try_from(sum % 11).unwrap_or(0))
        .copied()
        .map_or('0', char::from);
    format!("{body}{check}")
}

fn bank_card(i: u64) -> String {
    let body = format!("622202{:012}", i % 1_000_000_000);
    let sum: u64 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u64::from(digit - b'0');
            match (place % 2 == 0, digit * 2) {
                (true, doubled) if doubled > 9 => doubled - 9,
                (true, doubled) => doubled,
                (false, _) => digit,
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_answer_is_a_kilobyte_of_json() {
        let text = small();
        assert_eq!(text.len(), 1024);
        assert!(
            serde_json::from_str::<serde_json::Value>(&text)
                .unwrap()
                .is_array()
        );
    }

    #[test]
    fn a_download_is_json_of_citizens() {
        let text = format!("[{}null]", block());
        let records: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(records[0]["手机"], "13800000000");
    }

    #[test]
    fn made_up_numbers_carry_the_check_digits_of_the_standards() {
        // GB 11643: the weighted sum of all 18 characters leaves 1 over 11.
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1];
        for i in 0..50 {
            let id = resident_id(i);
            let digits = id
                .bytes()
                .map(|b| if b == b'X' { 10 } else { u32::from(b - b'0') });
            assert_eq!(
                digits.zip(weights).map(|(d, w)| d * w).sum::<u32>() % 11,
                1,
                "{id}"
            );
            // ISO/IEC 7812: every second digit doubled, from the right.
            let card = bank_card(i);
            let luhn = |(place, byte): (usize, u8)| match u32::from(byte - b'0')
                * (1 + place as u32 % 2)
            {
                large @ 10.. => large - 9,
                small => small,
            };
            assert_eq!(
                card.bytes().rev().enumerate().map(luhn).sum::<u32>() % 10,
                0,
                "{card}"
            );
        }
    }
}
