//! Carries the messages of a connection both ways.

use std::time::Duration;

use aws_lc_rs::rand;
use hangu_websocket::{Peer, Reader, code, write_close};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split,
};

use super::{Desk, Reading};
use crate::refusal::Refusal;

/// How much is read at once.
const BUFFER: usize = 8 << 10;
/// How much is put together before it is written.
const BATCH: usize = 64 << 10;
/// How long the other peer may go on once one has closed or gone. Chosen: RFC 6455 wants a close answered at once.
const LINGER: Duration = Duration::from_secs(30);
/// For the last frames, until a peer has taken them. Chosen.
const FAREWELL: Duration = Duration::from_secs(5);
/// For a peer to end its side after them. Chosen.
const DRAIN: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The peers closed it, or went away.
    Over,
    /// A revocation, a ban or a sign-out ended it.
    Ended,
    /// Something may not pass.
    Refused(Refusal),
}

/// Carries messages until the peers are done, something may not pass, or `ended` says that it is over. `id` is what a
/// help desk resolves, and stands in the close frame of a refusal.
pub async fn carry<C, S>(
    client: C,
    server: S,
    reading: &mut Reading,
    id: &str,
    ended: impl Future<Output = ()>,
) -> End
where
    C: AsyncRead + AsyncWrite,
    S: AsyncRead + AsyncWrite,
{
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    let mut asked = Way::new(
        from_client,
        to_server,
        Peer::Client,
        reading.most,
        &mut reading.asked,
    );
    let mut answered = Way::new(
        from_server,
        to_client,
        Peer::Server,
        reading.most,
        &mut reading.answered,
    );
    let both = async {
        let asking = asked.carry();
        let answering = answered.carry();
        tokio::pin!(asking, answering);
        let (first, rest) = tokio::select! {
            first = &mut asking => (first, futures_util::future::Either::Left(answering)),
            first = &mut answering => (first, futures_util::future::Either::Right(asking)),
        };
        first?;
        tokio::time::timeout(LINGER, rest).await.unwrap_or(Ok(()))
    };
    let end = tokio::select! {
        done = both => match done {
            Ok(()) => End::Over,
            Err(refusal) => End::Refused(refusal),
        },
        () = ended => End::Ended,
    };
    let said = match &end {
        End::Over => None,
        End::Ended => Some((code::POLICY, "ended-by-gateway".to_owned())),
        End::Refused(refusal) => Some((close_code(refusal), format!("{} {id}", refusal.reason()))),
    };
    let farewell = async { tokio::join!(asked.say(said.as_ref()), answered.say(said.as_ref())) };
    // A peer that takes nothing is left.
    let _late = tokio::time::timeout(FAREWELL, farewell).await;
    // What a peer still sends would make the system reset the connection, and the last frame would be lost.
    let drain = async { tokio::join!(asked.drain(), answered.drain()) };
    let _late = tokio::time::timeout(DRAIN, drain).await;
    end
}

/// The code of the close frame that answers a refusal (RFC 6455, 7.4.1).
const fn close_code(refusal: &Refusal) -> u16 {
    if let Refusal::Message { fault, .. } = refusal {
        fault.code()
    } else if matches!(refusal, Refusal::Attack | Refusal::Uninspectable(_)) {
        code::POLICY
    } else if matches!(
        refusal,
        Refusal::Unredactable(_) | Refusal::UnredactableRequest(_)
    ) {
        code::UNSUPPORTED
    } else {
        code::ERROR
    }
}

/// One way: from a peer, over a desk, to the other.
struct Way<'d, R, W> {
    from: ReadHalf<R>,
    to: WriteHalf<W>,
    peer: Peer,
    reader: Reader,
    desk: &'d mut Desk,
    /// Whole frames that are to be written.
    out: Vec<u8>,
    /// How much of them is.
    written: usize,
}

impl<'d, R: AsyncRead, W: AsyncWrite> Way<'d, R, W> {
    fn new(
        from: ReadHalf<R>,
        to: WriteHalf<W>,
        peer: Peer,
        most: usize,
        desk: &'d mut Desk,
    ) -> Self {
        Self {
            from,
            to,
            peer,
            reader: Reader::new(peer, most),
            desk,
            out: Vec::new(),
            written: 0,
        }
    }

    /// A mask for the next frame, where frames of this way need one.
    fn mask(&self) -> Result<Option<[u8; 4]>, Refusal> {
        if self.peer == Peer::Server {
            return Ok(None);
        }
        let mut mask = [0; 4];
        rand::fill(&mut mask).map_err(|_| Refusal::Undecided)?;
        Ok(Some(mask))
    }

    /// Carries until the peer closes or goes away, or the other takes nothing any more.
    async fn carry(&mut self) -> Result<(), Refusal> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let Ok(read @ 1..) = self.from.read(&mut buffer).await else {
                // The other side learns it as it would without anybody in between.
                let _gone = self.to.shutdown().await;
                return Ok(());
            };
            let mut input = buffer.get(..read).unwrap_or_default();
            while let Some(item) = self.next(&mut input)? {
                let mask = self.mask()?;
                self.desk.pass(item, mask, &mut self.out)?;
                if self.out.len() >= BATCH && self.write().await.is_err() {
                    return Ok(());
                }
            }
            if self.write().await.is_err() || self.reader.is_closed() {
                return Ok(());
            }
        }
    }

    fn next(&mut self, input: &mut &[u8]) -> Result<Option<hangu_websocket::Item>, Refusal> {
        let from = self.peer;
        self.reader
            .next(input)
            .map_err(|fault| Refusal::Message { from, fault })
    }

    /// Writes what is to be written. Broken off, it goes on where it was.
    async fn write(&mut self) -> std::io::Result<()> {
        while let Some(rest @ [_, ..]) = self.out.get(self.written..) {
            match self.to.write(rest).await? {
                0 => return Err(std::io::ErrorKind::WriteZero.into()),
                more => self.written += more,
            }
        }
        self.out.clear();
        self.out.shrink_to(BATCH);
        self.written = 0;
        self.to.flush().await
    }

    /// Ends this way: frames that were begun are finished, then comes what is said, unless the peer has closed itself.
    async fn say(&mut self, said: Option<&(u16, String)>) {
        if let (Some((code, reason)), false, Ok(mask)) =
            (said, self.reader.is_closed(), self.mask())
        {
            write_close(&mut self.out, Some(*code), reason, mask);
        }
        if self.write().await.is_ok() {
            let _gone = self.to.shutdown().await;
        }
    }

    /// Takes what still comes, until the peer ends.
    async fn drain(&mut self) {
        let mut buffer = [0; 512];
        while matches!(self.from.read(&mut buffer).await, Ok(1..)) {}
    }
}

#[cfg(test)]
mod tests {
    use hangu_websocket::{Close, Item, Opcode, write};

    use super::*;
    use crate::messages::Told;

    fn unread() -> Desk {
        Desk {
            judge: None,
            redaction: None,
            told: Told::default(),
        }
    }

    fn close(code: u16, reason: &str) -> Item {
        Item::Close(Close {
            code: Some(code),
            reason: reason.to_owned(),
        })
    }

    /// A connection through little buffers: what the client and the upstream say at once, and what each hears.
    async fn through(asked: &[u8], answered: &[u8], most: usize) -> (Vec<Item>, Vec<Item>, End) {
        let (mut client, inner_client) = tokio::io::duplex(16);
        let (mut server, inner_server) = tokio::io::duplex(16);
        let carried = tokio::spawn(async move {
            let mut reading = Reading {
                most,
                asked: unread(),
                answered: unread(),
            };
            let ended = std::future::pending();
            carry(inner_client, inner_server, &mut reading, "7", ended).await
        });
        let (client, server) = tokio::join!(
            async {
                let (mut from, mut to) = tokio::io::split(&mut client);
                let said = async {
                    // The other side may have closed before all was said.
                    let _closed = to.write_all(asked).await;
                };
                let mut bytes = Vec::new();
                let (read, ()) = tokio::join!(from.read_to_end(&mut bytes), said);
                read.unwrap();
                bytes
            },
            async {
                let (mut from, mut to) = tokio::io::split(&mut server);
                let said = async {
                    let _closed = to.write_all(answered).await;
                };
                let mut bytes = Vec::new();
                let (read, ()) = tokio::join!(from.read_to_end(&mut bytes), said);
                read.unwrap();
                bytes
            }
        );
        let (client, server) = (items(Peer::Server, &client), items(Peer::Client, &server));
        (client, server, carried.await.unwrap())
    }

    fn items(from: Peer, bytes: &[u8]) -> Vec<Item> {
        let (mut reader, mut input) = (Reader::new(from, 1 << 20), bytes);
        let mut items = Vec::new();
        while let Some(item) = reader.next(&mut input).unwrap() {
            items.push(item);
        }
        assert!(reader.is_between(), "whole frames and nothing else");
        items
    }

    #[tokio::test]
    async fn what_is_said_on_both_sides_arrives_and_a_close_ends_it() {
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        let long = "长".repeat(10_000);
        for text in ["一", &long] {
            write(
                &mut asked,
                Opcode::Text,
                text.as_bytes(),
                Some([1, 2, 3, 4]),
            );
            write(&mut answered, Opcode::Text, text.as_bytes(), None);
        }
        write_close(&mut asked, Some(1000), "", Some([9; 4]));
        write_close(&mut answered, Some(1000), "", None);
        let (client, server, end) = through(&asked, &answered, 1 << 20).await;
        let expected = [
            Item::Text("一".to_owned()),
            Item::Text(long),
            close(1000, ""),
        ];
        assert_eq!(client, expected);
        assert_eq!(server, expected);
        assert_eq!(end, End::Over);
    }

    #[tokio::test]
    async fn a_fault_closes_both_sides_after_the_frames_that_were_begun() {
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        let long = "长".repeat(10_000);
        write(&mut answered, Opcode::Text, long.as_bytes(), None);
        write(&mut answered, Opcode::Text, b"then", None);
        write(&mut asked, Opcode::Text, long.as_bytes(), None);
        let (client, server, end) = through(&asked, &answered, 1 << 20).await;
        let closed = close(1002, "malformed-message 7");
        assert_eq!(server, std::slice::from_ref(&closed));
        assert_eq!(client.last(), Some(&closed));
        assert!(client.len() <= 3);
        let End::Refused(refusal) = end else {
            panic!("refused and not {end:?}");
        };
        assert_eq!(refusal.reason(), "malformed-message");
        let (_, server, end) = through(&[], &answered, 10).await;
        assert_eq!(server, [close(1009, "answer-message-too-large 7")]);
        assert!(matches!(end, End::Refused(_)));
    }
}
