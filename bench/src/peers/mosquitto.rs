//! Mosquitto: MQTT 3.1.1, subscribers with QoS 0 and a publisher with QoS 1, whose posts are confirmed.

use anyhow::Result;

use super::confirms::Confirms;
use super::peer::Peer;
use super::running::Running;
use crate::dialogue::Step;

const TOPIC: &[u8] = b"room";
const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
const SUBACK: [u8; 5] = [0x90, 3, 0, 1, 0];
/// `PUBACK`: type, length, and the two bytes of the packet identifier.
const PUBACK_LENGTH: u64 = 4;

pub(crate) struct Mosquitto;

impl Peer for Mosquitto {
    fn name(&self) -> &'static str {
        "mosquitto"
    }

    fn start(&self) -> Result<Running> {
        let lines = "allow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nmax_inflight_messages 0\n";
        Running::start_configured("mosquitto", &["-c"], tempfile::tempdir()?, |address, _| {
            format!("listener {} 127.0.0.1\n{lines}", address.port())
        })
    }

    fn listener(&self, index: usize) -> Vec<Step> {
        let mut subscribe = vec![0, 1];
        append_counted(&mut subscribe, TOPIC);
        subscribe.push(0);
        vec![connect(&format!("l{index}")), Step::new(packet(0x82, &subscribe), SUBACK)]
    }

    fn writer(&self) -> Vec<Step> {
        vec![connect("bench")]
    }

    fn post(&self, number: u64, text: &[u8], out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(2 + TOPIC.len() + 2 + text.len());
        append_counted(&mut body, TOPIC);
        // A packet identifier is never zero.
        let packet_number = (number % u64::from(u16::MAX)) as u16 + 1;
        body.extend_from_slice(&packet_number.to_be_bytes());
        body.extend_from_slice(text);
        out.extend_from_slice(&packet(0x32, &body));
    }

    fn confirms(&self) -> Confirms {
        Confirms::Length(PUBACK_LENGTH)
    }

    fn deliveries(&self) -> u64 {
        500_000
    }
}

/// Returns the step that opens a clean session without keepalive.
fn connect(client: &str) -> Step {
    let mut body = b"\x00\x04MQTT\x04\x02\x00\x00".to_vec();
    append_counted(&mut body, client.as_bytes());
    Step::new(packet(0x10, &body), CONNACK)
}

/// Returns a packet whose body is shorter than 128 bytes, so that its length takes one byte.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    debug_assert!(body.len() < 128);
    [&[kind, body.len() as u8], body].concat()
}

fn append_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_packets_as_the_standard_says() {
        assert_eq!(connect("l7").send, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02l7");
        assert_eq!(Mosquitto.listener(7)[1].send, b"\x82\x09\x00\x01\x00\x04room\x00");
        let mut out = Vec::new();
        Mosquitto.post(0, b"hello", &mut out);
        Mosquitto.post(65_535, b"hello", &mut out);
        assert_eq!(out, b"\x32\x0d\x00\x04room\x00\x01hello".repeat(2));
    }
}
