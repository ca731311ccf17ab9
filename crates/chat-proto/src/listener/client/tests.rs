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
