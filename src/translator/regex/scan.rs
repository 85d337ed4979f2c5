//! RE2's notation rewritten in the notation of the regex-syntax parser, where the two differ: literal braces, `\Q...\E`,
//! `\C`, `\<`, and brackets, `&&`, `~~` and `--` inside a class, which have no meaning of their own in RE2.

use std::iter::Peekable;
use std::str::Chars;

/// The expression in the parser's notation. What is malformed stays malformed.
pub(super) fn rewrite(re2: &str) -> String {
    let mut scanner = Scanner { rest: re2.chars().peekable(), out: String::with_capacity(re2.len()) };
    scanner.run();
    scanner.out
}

struct Scanner<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape(),
                '[' => self.class(),
                '{' if !self.repeats() => self.out.push_str(r"\{"),
                _ => self.out.push(c),
            }
        }
    }

    fn escape(&mut self) {
        match self.rest.next() {
            Some('Q') => self.quoted(),
            // Any byte.
            Some('C') => self.out.push_str("(?s:.)"),
            Some(c @ ('<' | '>')) => self.out.push(c),
            Some(c @ ('x' | 'p' | 'P')) if self.rest.peek() == Some(&'{') => {
                self.out.extend(['\\', c]);
                self.copy_to('}');
            }
            Some(c) => self.out.extend(['\\', c]),
            None => self.out.push('\\'),
        }
    }

    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.peek() == Some(&'E') {
                self.rest.next();
                return;
            }
            self.literal(c);
        }
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn copy_to(&mut self, last: char) {
        for c in self.rest.by_ref() {
            self.out.push(c);
            if c == last {
                return;
            }
        }
    }

    /// What follows an opening brace makes it a counted repetition.
    fn repeats(&self) -> bool {
        let text: String = self.rest.clone().take(12).collect();
        let Some((counts, _)) = text.split_once('}') else { return false };
        let (min, max) = counts.split_once(',').unwrap_or((counts, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        !min.is_empty() && digits(min) && digits(max)
    }

    fn class(&mut self) {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        if self.rest.next_if_eq(&'-').is_some() {
            self.out.push_str(r"\-");
        }
        while let Some(c) = self.rest.next() {
            match c {
                '-' if self.rest.next_if_eq(&'-').is_some() => self.out.push_str(r"-\-"),
                ']' => {
                    self.out.push(']');
                    return;
                }
                '\\' => self.out.extend([Some('\\'), self.rest.next()].into_iter().flatten()),
                '[' if self.rest.peek() == Some(&':') && self.names_class() => {
                    self.out.push('[');
                    self.copy_to(']');
                }
                '[' | '&' | '~' => self.literal(c),
                _ => self.out.push(c),
            }
        }
    }

    /// What follows an opening bracket is a POSIX class, known or not.
    fn names_class(&self) -> bool {
        let name: String = self.rest.clone().skip(1).take_while(|c| c.is_ascii_alphabetic() || *c == '^').collect();
        self.rest.clone().skip(name.len().saturating_add(1)).take(2).eq([':', ']'])
    }
}
