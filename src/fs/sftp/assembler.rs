//! Puts SFTP packets together from a stream of bytes, the payload of DATA without copying it.
//! Must never do I/O.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::response::{self, MAX_PACKET, Malformed, Response, TYPE_DATA, TYPE_VERSION, Version};

/// One packet from a server.
pub enum Packet {
    Version(Version),
    /// With the id of its request.
    Response(u32, Response),
}

/// Puts packets together from the stream, the payload of DATA without copying it.
#[derive(Default)]
pub struct Assembler {
    chunks: VecDeque<Bytes>,
    len: usize,
}

impl Assembler {
    /// Takes what came.
    pub fn push(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.len += data.len();
            self.chunks.push_back(data);
        }
    }

    /// A copy of the first bytes, up to `n`.
    pub fn peek(&self, n: usize) -> Vec<u8> {
        self.chunks.iter().flat_map(|c| c.iter().copied()).take(n).collect()
    }

    /// The first `n` bytes as slices of what came. `n` must not exceed what is there.
    fn take(&mut self, mut n: usize) -> Vec<Bytes> {
        let mut out = Vec::with_capacity(n / (32 << 10) + 2);
        self.len -= n;
        while n > 0 {
            let Some(front) = self.chunks.front_mut() else { break };
            if front.len() <= n {
                n -= front.len();
                out.extend(self.chunks.pop_front());
            } else {
                out.push(front.split_to(n));
                n = 0;
            }
        }
        out
    }

    /// The first `n` bytes in one piece.
    fn take_whole(&mut self, n: usize) -> Bytes {
        let mut parts = self.take(n);
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let mut whole = BytesMut::with_capacity(n);
        for part in parts {
            whole.extend_from_slice(&part);
        }
        whole.freeze()
    }

    /// The next packet, if all of it is there.
    pub fn next(&mut self) -> Result<Option<Packet>, Malformed> {
        if self.len < 5 {
            return Ok(None);
        }
        let head = self.peek(13);
        let mut start = &head[..];
        let length = start.get_u32() as usize;
        if length > MAX_PACKET {
            return Err(Malformed::TooLong(length));
        }
        if length < 5 {
            return Err(Malformed::Short);
        }
        if self.len < 4 + length {
            return Ok(None);
        }
        let kind = start.get_u8();
        if kind == TYPE_VERSION {
            self.take_whole(5);
            return response::decode_version(self.take_whole(length - 1)).map(|v| Some(Packet::Version(v)));
        }
        let id = start.get_u32();
        if kind == TYPE_DATA {
            if length < 9 || start.get_u32() as usize != length - 9 {
                return Err(Malformed::Short);
            }
            self.take_whole(13);
            let data = self.take(length - 9);
            return Ok(Some(Packet::Response(id, Response::Data(data))));
        }
        self.take_whole(9);
        response::decode(kind, self.take_whole(length - 5)).map(|r| Some(Packet::Response(id, r)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, id: u32, body: &[u8]) -> Vec<u8> {
        let mut out = ((body.len() + 5) as u32).to_be_bytes().to_vec();
        out.push(kind);
        out.extend(id.to_be_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn packets_come_whole_however_the_stream_is_cut() {
        let data: Vec<u8> = (0..100u8).collect();
        let mut body = 100u32.to_be_bytes().to_vec();
        body.extend(&data);
        let mut stream = packet(TYPE_DATA, 9, &body);
        stream.extend(packet(101, 10, &[0, 0, 0, 1]));
        for step in 1..stream.len() {
            let mut assembler = Assembler::default();
            let mut got = Vec::new();
            for piece in stream.chunks(step) {
                assembler.push(Bytes::copy_from_slice(piece));
                while let Some(packet) = assembler.next().unwrap() {
                    got.push(packet);
                }
            }
            let [
                Packet::Response(9, Response::Data(parts)),
                Packet::Response(10, Response::Status { code: 1, .. }),
            ] = &got[..]
            else {
                panic!("step {step}: {} packets", got.len())
            };
            assert_eq!(parts.concat(), data, "step {step}");
            assert_eq!(assembler.len, 0);
        }
    }

    #[test]
    fn hostile_lengths_are_refused() {
        for bytes in [&[0xff, 0xff, 0xff, 0xff, 103][..], &[0, 0, 0, 0, 1], &[0, 0, 0, 4, 1, 2, 3, 4]] {
            let mut assembler = Assembler::default();
            assembler.push(Bytes::copy_from_slice(bytes));
            assert!(assembler.next().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn data_that_lies_about_its_length_is_refused() {
        let mut assembler = Assembler::default();
        assembler.push(packet(TYPE_DATA, 1, &[0, 0, 0, 9, 1, 2]).into());
        assert!(assembler.next().is_err());
    }
}
