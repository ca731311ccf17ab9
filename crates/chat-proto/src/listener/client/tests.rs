use std::time::{Duration, Instant};

use crate::extension::{Extension, Nonce, ResumeAnswer, ResumeFrom, ResumeReply, ResumeRequest};
use crate::ident::StreamId;
use crate::line::Line;
use crate::listener::client::interface::{ListenerClientConfig, ListenerClientEvent};
use crate::listener::client::machine::ListenerClient;
use crate::state_machine::{Output, StateMachine as _};

fn events(client: &mut ListenerClient) -> Vec<ListenerClientEvent> {
    let mut events = Vec::new();
    loop {
        match client.poll_output() {
            Output::Event(event) => events.push(event),
            Output::Transmit(_) => {}
            Output::Timeout(_) => return events,
        }
    }
}

#[test]
fn reports_a_line_that_was_too_long() {
    let now = Instant::now();
    let request = || ResumeRequest::new(ResumeFrom::Last(0), Nonce::new("8c1d").unwrap());
    let asked = || {
        let mut client = ListenerClient::new(ListenerClientConfig::default().with_resume(Some(request())), now);
        client.handle_input(Line::from("Bob: one"), now).unwrap();
        client.handle_too_long(now);
        client.handle_input(Line::from("Bob: three"), now).unwrap();
        assert_eq!(events(&mut client), [], "all lines are held");
        client
    };
    let mut plain = asked();
    plain.handle_timeout(now + Duration::from_secs(1)).unwrap();
    let [_, ListenerClientEvent::Message(_), ListenerClientEvent::TooLong, ListenerClientEvent::Message(_)] =
        &events(&mut plain)[..]
    else {
        panic!("in order")
    };
    plain.handle_too_long(now);
    assert_eq!(events(&mut plain), [ListenerClientEvent::TooLong]);

    let mut numbered = asked();
    let stream = StreamId::new("k3f9").unwrap();
    let reply = Extension::Reply(ResumeReply { answer: ResumeAnswer::new(stream, 1, 3), nonce: request().nonce });
    numbered.handle_input(reply.to_line(), now).unwrap();
    numbered.handle_too_long(now);
    let line = "\u{1}{\"seq\": 2, \"at\": 1, \"nick\": \"Bob\", \"text\": \"two\"}";
    numbered.handle_input(Line::from(line), now).unwrap();
    let [ListenerClientEvent::Numbered { .. }, gap, ListenerClientEvent::Message(_)] = &events(&mut numbered)[..]
    else {
        panic!("the number reveals the gap")
    };
    assert_eq!(*gap, ListenerClientEvent::Gap { missed: Some(1) });
}

fn numbered_client(now: Instant) -> ListenerClient {
    let request = ResumeRequest::new(ResumeFrom::Last(0), Nonce::new("8c1d").unwrap());
    let mut client = ListenerClient::new(ListenerClientConfig::default().with_resume(Some(request.clone())), now);
    let answer = ResumeAnswer::new(StreamId::new("k3f9").unwrap(), 1, 9);
    let reply = Extension::Reply(ResumeReply { answer, nonce: request.nonce });
    client.handle_input(reply.to_line(), now).unwrap();
    client
}

/// Returns the events with the messages of blocks one by one.
fn single_events(client: &mut ListenerClient) -> Vec<ListenerClientEvent> {
    let single = |event| match event {
        ListenerClientEvent::NumberedLines(lines) => lines.messages().map(ListenerClientEvent::Message).collect(),
        event => vec![event],
    };
    events(client).into_iter().flat_map(single).collect()
}

#[test]
fn a_numbered_block_equals_its_lines_one_by_one() {
    let now = Instant::now();
    let message =
        |seq: u64, text: &str| format!("\u{1}{{\"seq\": {seq}, \"at\": 5, \"nick\": \"Bob\", \"text\": \"{text}\"}}");
    let lines = [
        message(1, "one"),
        message(2, "two"),
        message(2, "again"),
        message(3, "with \\\"quotes\\\""),
        message(4, "four"),
        message(6, "after a hole"),
        message(7, "seven"),
        "\u{1}{\"removed\": 8, \"at\": 6, \"by\": \"Ann\"}".to_owned(),
        "a plain line".to_owned(),
        "\u{1}{\"pong\": 1}".to_owned(),
        message(9, "nine"),
        "\u{1}{\"expired\": 11}".to_owned(),
        message(12, "\u{1f600}"),
        message(13, "last"),
    ];
    let mut by_line = numbered_client(now);
    for line in &lines {
        by_line.handle_input(Line::from(line.as_str()), now).unwrap();
    }
    let expected = single_events(&mut by_line);
    for cut in 0..=lines.len() {
        let mut client = numbered_client(now);
        for part in [&lines[..cut], &lines[cut..]] {
            let block: String = part.iter().map(|line| format!("{line}\n")).collect();
            assert!(client.wants_lines());
            client.handle_lines(block.into(), now).unwrap();
        }
        assert_eq!(single_events(&mut client), expected, "cut after {cut} lines");
    }
    let mut client = numbered_client(now);
    client.handle_lines(format!("{}\n{}\n", lines[0], lines[1]).into(), now).unwrap();
    assert!(matches!(&events(&mut client)[..], [_, ListenerClientEvent::NumberedLines(lines)] if lines.count() == 2));
}
