//! RE2's syntax as expressions over bytes. Refuses what RE2 refuses and what bytes cannot express.

use regex_syntax::ast::{
    AssertionKind, Ast, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, Error,
    ErrorKind, Flag, Flags, FlagsItemKind, GroupKind, HexLiteralKind, Literal, LiteralKind, Repetition, RepetitionKind,
    RepetitionRange, parse::ParserBuilder,
};

use super::RegexError;
use super::node::{Look, Node};
use super::scan::rewrite;
use super::set::ByteSet;

/// RE2 refuses more, nested repetitions multiplied.
const REPEAT_MAX: u32 = 1000;
/// Groups, repetitions and classes inside each other.
const NESTING_MAX: u32 = 60;

/// An expression and what it says about bytes beyond ASCII.
pub(super) struct Parsed {
    pub(super) node: Node,
    /// A single character beyond ASCII, which RE2 counts as one and PCRE as several bytes, can make a difference.
    pub(super) counts_bytes: bool,
}

/// The expression as it is written.
pub(super) fn syntax(re2: &str) -> Result<Ast, RegexError> {
    let mut parser = ParserBuilder::new().nest_limit(NESTING_MAX).octal(true).build();
    parser.parse(&rewrite(re2)).map_err(|error| refusal(&error))
}

/// A piece of an expression without flags.
pub(super) fn piece(ast: &Ast) -> Result<Node, RegexError> {
    Converter { flags: Modes::default(), counts_bytes: false }.convert(ast, 1)
}

pub(super) fn parse(re2: &str) -> Result<Parsed, RegexError> {
    let ast = syntax(re2)?;
    let mut converter = Converter { flags: Modes::default(), counts_bytes: false };
    let node = converter.convert(&ast, 1)?;
    Ok(Parsed { node, counts_bytes: converter.counts_bytes })
}

fn refusal(error: &Error) -> RegexError {
    match error.kind() {
        ErrorKind::NestLimitExceeded(_) => RegexError::TooLarge,
        kind => RegexError::Syntax(kind.to_string()),
    }
}

#[derive(Clone, Copy, Default)]
struct Modes {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
}

struct Converter {
    flags: Modes,
    counts_bytes: bool,
}

impl Converter {
    /// `copies` is the product of the counted repetitions around.
    fn convert(&mut self, ast: &Ast, copies: u32) -> Result<Node, RegexError> {
        match ast {
            Ast::Empty(_) => Ok(Node::EMPTY),
            Ast::Flags(flags) => self.set_flags(&flags.flags).map(|()| Node::EMPTY),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => {
                let set = self.set(ast)?;
                self.counts_bytes |= set.is_wide();
                Ok(Node::Set(set))
            }
            Ast::ClassUnicode(_) => Err(RegexError::UnicodeClass),
            Ast::Assertion(assertion) => self.assertion(&assertion.kind).map(Node::Look),
            Ast::Repetition(repetition) => self.repetition(repetition, copies),
            Ast::Group(group) => {
                let outer = self.flags;
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    self.set_flags(flags)?;
                }
                let node = self.convert(&group.ast, copies);
                self.flags = outer;
                node
            }
            Ast::Alternation(alternation) => Ok(Node::alt(self.each(&alternation.asts, copies)?)),
            Ast::Concat(concat) => Ok(Node::concat(self.each(&concat.asts, copies)?)),
        }
    }

    fn each(&mut self, asts: &[Ast], copies: u32) -> Result<Vec<Node>, RegexError> {
        asts.iter().map(|ast| self.convert(ast, copies)).collect()
    }

    fn set_flags(&mut self, flags: &Flags) -> Result<(), RegexError> {
        let mut value = true;
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Negation => value = false,
                FlagsItemKind::Flag(Flag::CaseInsensitive) => self.flags.ignore_case = value,
                FlagsItemKind::Flag(Flag::MultiLine) => self.flags.multi_line = value,
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => self.flags.dot_all = value,
                FlagsItemKind::Flag(Flag::SwapGreed) => {}
                FlagsItemKind::Flag(_) => return Err(RegexError::Syntax("unknown flag".to_owned())),
            }
        }
        Ok(())
    }

    fn literal(&mut self, literal: &Literal) -> Result<Node, RegexError> {
        let c = character(literal)?;
        if let Ok(byte) = u8::try_from(u32::from(c))
            && c.is_ascii()
        {
            return Ok(Node::Set(self.fold(ByteSet::byte(byte))));
        }
        if self.flags.ignore_case {
            return Err(RegexError::NonAscii);
        }
        Ok(Node::concat(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| Node::Set(ByteSet::byte(byte)))))
    }

    fn assertion(&self, kind: &AssertionKind) -> Result<Look, RegexError> {
        match kind {
            AssertionKind::StartLine if self.flags.multi_line => Ok(Look::StartOfLine),
            AssertionKind::EndLine if self.flags.multi_line => Ok(Look::EndOfLine),
            AssertionKind::StartLine | AssertionKind::StartText => Ok(Look::Start),
            AssertionKind::EndLine | AssertionKind::EndText => Ok(Look::End),
            AssertionKind::WordBoundary => Ok(Look::WordBoundary),
            AssertionKind::NotWordBoundary => Ok(Look::NotWordBoundary),
            _ => Err(RegexError::Syntax("unknown kind of word boundary".to_owned())),
        }
    }

    fn repetition(&mut self, repetition: &Repetition, copies: u32) -> Result<Node, RegexError> {
        if matches!(*repetition.ast, Ast::Repetition(_)) {
            return Err(RegexError::Syntax("repetition operator after a repetition operator".to_owned()));
        }
        let (min, max) = match repetition.op.kind {
            RepetitionKind::ZeroOrOne => (0, Some(1)),
            RepetitionKind::ZeroOrMore => (0, None),
            RepetitionKind::OneOrMore => (1, None),
            RepetitionKind::Range(RepetitionRange::Exactly(count)) => (count, Some(count)),
            RepetitionKind::Range(RepetitionRange::AtLeast(min)) => (min, None),
            RepetitionKind::Range(RepetitionRange::Bounded(min, max)) => (min, Some(max)),
        };
        let copies = copies.saturating_mul(max.unwrap_or(min).max(1));
        if copies > REPEAT_MAX {
            return Err(RegexError::RepeatTooLarge);
        }
        let counted = self.counts_bytes;
        let body = self.convert(&repetition.ast, copies)?;
        if matches!(body, Node::Set(_)) && min <= 1 && max.is_none() && !self.flags.ignore_case {
            // One or more bytes are one or more characters: `[^/]+` needs no counting.
            self.counts_bytes = counted;
        }
        Ok(Node::repeat(body, min, max))
    }

    fn fold(&mut self, set: ByteSet) -> ByteSet {
        if !self.flags.ignore_case {
            return set;
        }
        // To RE2 these letters have a third case outside ASCII.
        self.counts_bytes |= b"kKsS".iter().any(|byte| set.contains(*byte));
        set.fold_case()
    }

    fn set(&mut self, ast: &Ast) -> Result<ByteSet, RegexError> {
        match ast {
            Ast::Dot(_) if self.flags.dot_all => Ok(ByteSet::ALL),
            Ast::Dot(_) => Ok(ByteSet::byte(b'\n').complement()),
            Ast::ClassPerl(perl) => Ok(perl_set(perl)),
            Ast::ClassBracketed(class) => self.bracketed(class),
            _ => Ok(ByteSet::EMPTY),
        }
    }

    fn bracketed(&mut self, class: &ClassBracketed) -> Result<ByteSet, RegexError> {
        let ClassSet::Item(item) = &class.kind else {
            return Err(RegexError::Syntax("unknown operator in a class".to_owned()));
        };
        let set = self.fold(item_set(item)?);
        Ok(negate_if(class.negated, set))
    }
}

fn item_set(item: &ClassSetItem) -> Result<ByteSet, RegexError> {
    match item {
        ClassSetItem::Empty(_) => Ok(ByteSet::EMPTY),
        ClassSetItem::Literal(literal) => ascii(literal).map(ByteSet::byte),
        ClassSetItem::Range(range) => Ok(ByteSet::range(ascii(&range.start)?, ascii(&range.end)?)),
        ClassSetItem::Ascii(class) => Ok(negate_if(class.negated, posix_set(&class.kind))),
        ClassSetItem::Perl(perl) => Ok(perl_set(perl)),
        ClassSetItem::Unicode(_) => Err(RegexError::UnicodeClass),
        ClassSetItem::Bracketed(_) => Err(RegexError::Syntax("unknown class name".to_owned())),
        ClassSetItem::Union(union) => {
            union.items.iter().try_fold(ByteSet::EMPTY, |set, item| Ok(set.union(item_set(item)?)))
        }
    }
}

/// The character meant, where RE2 knows the escape as well.
fn character(literal: &Literal) -> Result<char, RegexError> {
    let length = literal.span.end.offset.saturating_sub(literal.span.start.offset);
    match literal.kind {
        // A backslash and one digit other than zero is a reference to a group, which RE2 does not have.
        LiteralKind::Octal if length == 2 && literal.c != '\0' => Err(RegexError::Syntax("backreference".to_owned())),
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            Err(RegexError::Syntax("unknown escape".to_owned()))
        }
        _ => Ok(literal.c),
    }
}

fn ascii(literal: &Literal) -> Result<u8, RegexError> {
    let c = character(literal)?;
    u8::try_from(c).ok().filter(u8::is_ascii).ok_or(RegexError::NonAscii)
}

fn negate_if(negated: bool, set: ByteSet) -> ByteSet {
    if negated { set.complement() } else { set }
}

fn ranges(ranges: &[(u8, u8)]) -> ByteSet {
    ranges.iter().fold(ByteSet::EMPTY, |set, (first, last)| set.union(ByteSet::range(*first, *last)))
}

fn perl_set(perl: &ClassPerl) -> ByteSet {
    let set = match perl.kind {
        ClassPerlKind::Digit => posix_set(&ClassAsciiKind::Digit),
        // Without the vertical tab, unlike PCRE's.
        ClassPerlKind::Space => ranges(&[(b'\t', b'\n'), (b'\x0c', b'\r'), (b' ', b' ')]),
        ClassPerlKind::Word => posix_set(&ClassAsciiKind::Word),
    };
    negate_if(perl.negated, set)
}

fn posix_set(kind: &ClassAsciiKind) -> ByteSet {
    match kind {
        ClassAsciiKind::Alnum => ranges(&[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')]),
        ClassAsciiKind::Alpha => ranges(&[(b'A', b'Z'), (b'a', b'z')]),
        ClassAsciiKind::Ascii => ranges(&[(0, 0x7f)]),
        ClassAsciiKind::Blank => ranges(&[(b'\t', b'\t'), (b' ', b' ')]),
        ClassAsciiKind::Cntrl => ranges(&[(0, 0x1f), (0x7f, 0x7f)]),
        ClassAsciiKind::Digit => ranges(&[(b'0', b'9')]),
        ClassAsciiKind::Graph => ranges(&[(b'!', b'~')]),
        ClassAsciiKind::Lower => ranges(&[(b'a', b'z')]),
        ClassAsciiKind::Print => ranges(&[(b' ', b'~')]),
        ClassAsciiKind::Punct => ranges(&[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')]),
        ClassAsciiKind::Space => ranges(&[(b'\t', b'\r'), (b' ', b' ')]),
        ClassAsciiKind::Upper => ranges(&[(b'A', b'Z')]),
        ClassAsciiKind::Word => ranges(&[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')]),
        ClassAsciiKind::Xdigit => ranges(&[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')]),
    }
}
