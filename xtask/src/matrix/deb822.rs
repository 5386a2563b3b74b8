//! Debian's text format of fields and paragraphs, in which apt's `.sources` files and dpkg's package list are written.

/// A paragraph: its fields, names in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Paragraph(Vec<(String, String)>);

impl Paragraph {
    /// The value of a field, named in lower case; the lines of a long one are joined by spaces.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The words of a field; none where it is missing.
    pub fn words(&self, name: &str) -> Vec<String> {
        self.get(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }

    fn add(&mut self, line: &str) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.0.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            self.0.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
}

/// The paragraphs of a text. Comments may stand anywhere.
pub fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph> + '_ {
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    std::iter::from_fn(move || {
        while lines.next_if(|line| line.trim().is_empty()).is_some() {}
        lines.peek()?;
        let mut paragraph = Paragraph::default();
        while let Some(line) = lines.next_if(|line| !line.trim().is_empty()) {
            paragraph.add(line);
        }
        Some(paragraph)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_end_at_empty_lines_and_comments_do_not_count() {
        let text = "\n# first\nTypes: deb\n# inside\nURIs: http://a/\n  http://b/\n\n \nTYPES: deb-src\nno field\n";
        let all: Vec<_> = paragraphs(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].words("uris"), ["http://a/", "http://b/"]);
        assert_eq!((all[0].get("types"), all[1].get("types")), (Some("deb"), Some("deb-src")));
        assert_eq!(all[1].get("uris"), None);
        assert_eq!(paragraphs("\n\n# nothing\n").count(), 0);
    }
}
