//! The few shapes that a chart is made of, as SVG text. It knows nothing of figures.

use std::fmt::Write as _;

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing on white, so that it can be read on a dark page too.
#[derive(Debug)]
pub(crate) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

/// Colours that are told apart with any kind of sight (Okabe and Ito), the darkest first.
pub(crate) const COLOURS: [&str; 7] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444"];

impl Svg {
    /// An empty one, with a title for those who do not see it.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut svg = Self { body: String::new(), width, height };
        svg.write(format_args!("<title>{}</title>", escape(title)));
        svg.write(format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"));
        svg
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: Anchor, size: u8, text: &str) {
        let text = escape(text);
        self.write(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{}\" font-size=\"{size}\">{text}</text>",
            word(anchor)
        ));
    }

    /// A text that is read from below.
    pub(crate) fn upright(&mut self, x: f64, y: f64, size: u8, text: &str) {
        let text = escape(text);
        self.write(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"{size}\" \
             transform=\"rotate(-90 {x:.1} {y:.1})\">{text}</text>"
        ));
    }

    /// A thin line of the grid.
    pub(crate) fn rule(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.write(format_args!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// A line through all of `points`, with a dot at each.
    pub(crate) fn curve(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.write(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            path.join(" ")
        ));
        for (x, y) in points {
            let radius = width + 1.5;
            self.write(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"));
        }
    }

    pub(crate) fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, colour: &str) {
        self.write(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        ));
    }

    /// The whole file.
    pub(crate) fn finish(self) -> String {
        let Self { body, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"sans-serif\" fill=\"#222222\">\n{body}</svg>\n"
        )
    }

    fn write(&mut self, element: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = writeln!(self.body, "{element}");
    }
}

fn word(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// A text as XML takes it; control characters, which XML 1.0 has no way to write, are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_markup_in_xml_is_text_in_the_drawing() {
        assert_eq!(escape("a<b> & \"c\" 'd'\u{1b}"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
        let mut svg = Svg::new(10.0, 5.0, "<script>");
        svg.text(1.0, 2.0, Anchor::End, 12, "a & b");
        assert_eq!(
            svg.finish(),
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 5\" width=\"10\" height=\"5\" role=\"img\" \
             font-family=\"sans-serif\" fill=\"#222222\">\n<title>&lt;script&gt;</title>\n\
             <rect width=\"10\" height=\"5\" fill=\"#ffffff\"/>\n\
             <text x=\"1.0\" y=\"2.0\" text-anchor=\"end\" font-size=\"12\">a &amp; b</text>\n</svg>\n"
        );
    }
}
