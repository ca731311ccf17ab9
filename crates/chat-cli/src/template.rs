//! `--format TEMPLATE`: a line per message with fields in braces.

use chat_client::Message;
use jiff::Timestamp;

use crate::error::CliError;
use crate::json::{accepted_at, rfc3339};
use crate::output::Style;

/// A parsed template.
#[derive(Debug)]
pub(crate) struct Template(Vec<TemplatePiece>);

#[derive(Debug, PartialEq, Eq)]
enum TemplatePiece {
    Literal(String),
    Field(TemplateField),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TemplateField {
    Nick,
    Text,
    Line,
    At,
    Seq,
    Stream,
}

/// The fields by their names.
const FIELDS: [(&str, TemplateField); 6] = [
    ("nick", TemplateField::Nick),
    ("text", TemplateField::Text),
    ("line", TemplateField::Line),
    ("at", TemplateField::At),
    ("seq", TemplateField::Seq),
    ("stream", TemplateField::Stream),
];

impl Template {
    /// Parses a template. `{{` and `}}` are braces, `\t`, `\n` and `\\` what they are in C.
    ///
    /// # Errors
    /// An unknown field, or a brace without its counterpart.
    pub(crate) fn parse(text: &str) -> Result<Self, CliError> {
        let wrong = |what: String| CliError::Usage(format!("--format: {what}").into());
        let (mut pieces, mut literal) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            rest = match (c, after.chars().next()) {
                ('{', Some('{')) | ('}', Some('}')) | ('\\', Some('\\')) => {
                    literal.push(c);
                    &after[1..]
                }
                ('\\', Some('t')) => {
                    literal.push('\t');
                    &after[1..]
                }
                ('\\', Some('n')) => {
                    literal.push('\n');
                    &after[1..]
                }
                ('{', _) => {
                    let (name, after) = after.split_once('}').ok_or_else(|| wrong("a { has no }".to_owned()))?;
                    let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
                        let names = FIELDS.map(|(name, _)| format!("{{{name}}}")).join(", ");
                        return Err(wrong(format!("there is no field {{{name}}}; the fields are {names}")));
                    };
                    if !literal.is_empty() {
                        pieces.push(TemplatePiece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(TemplatePiece::Field(*field));
                    after
                }
                ('}', _) => return Err(wrong("a } has no {; a brace is written }}".to_owned())),
                _ => {
                    literal.push(c);
                    after
                }
            };
        }
        if !literal.is_empty() {
            pieces.push(TemplatePiece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    /// Appends a message as one line. A field without a value is empty; a line break in a text becomes a space.
    pub(crate) fn append(&self, message: &Message, style: &Style, arrived: Timestamp, out: &mut Vec<u8>) {
        let sender = message.sender.as_ref().map_or("", |sender| sender.as_str());
        for piece in &self.0 {
            let value = match piece {
                TemplatePiece::Literal(text) => {
                    out.extend_from_slice(text.as_bytes());
                    continue;
                }
                TemplatePiece::Field(TemplateField::Nick) => sender.to_owned(),
                TemplatePiece::Field(TemplateField::Text) => message.text.flattened().into_owned(),
                TemplatePiece::Field(TemplateField::Line) if sender.is_empty() => message.text.flattened().into_owned(),
                TemplatePiece::Field(TemplateField::Line) => format!("{sender}: {}", message.text.flattened()),
                TemplatePiece::Field(TemplateField::At) => rfc3339(accepted_at(message, arrived)),
                TemplatePiece::Field(TemplateField::Seq) => {
                    message.position.as_ref().map(|position| position.seq.to_string()).unwrap_or_default()
                }
                TemplatePiece::Field(TemplateField::Stream) => {
                    message.position.as_ref().map(|position| position.stream.to_string()).unwrap_or_default()
                }
            };
            out.extend_from_slice(style.safe(&value).as_bytes());
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use chat_client::{Nickname, Text};

    use super::*;

    fn shown(template: &str) -> String {
        let message = Message::new(Some(Nickname::new("Ann").expect("a name")), Text::new("a\nb").expect("a text"));
        let mut out = Vec::new();
        let template = Template::parse(template).expect("a template");
        template.append(&message, &Style::new(false, true), Timestamp::now(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn fills_fields_and_keeps_braces() {
        assert_eq!(shown("{{{nick}}}\\t{text}"), "{Ann}\ta b\n");
        assert_eq!(shown("[{line}] {seq}"), "[Ann: a b] \n");
        assert_eq!(shown(""), "\n");
    }

    #[test]
    fn names_what_is_wrong() {
        for (bad, hint) in [("{nick", "no }"), ("a}", "no {"), ("{token}", "no field {token}"), ("{}", "no field {}")] {
            let error = Template::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(hint), "{bad}: {error}");
        }
    }
}
