//! Expressions as PCRE patterns that match without backtracking where that is possible, and a bound on the work where
//! it is not.
//!
//! The walk goes from the end of the expression to its beginning, so that at each choice it is known what can follow.
//! A repetition whose next byte tells whether to go on is written possessively: giving back what it took could not
//! help. Three further forms keep common expressions cheap:
//!
//! * `R*wX*` with all bytes of `R` and `w` in `X` becomes `(?>R*?w)X*`: if a later `w` leads to a match, the first does.
//! * `R*w` with all bytes of `w` in `R`, followed by a byte outside `R`, becomes `R++(?<=w)`: the run must be taken whole.
//!   Where several words can stand at the end, each gets such a form of its own.
//! * A loop at the very end over a set that holds all bytes of the expression always succeeds, once a look ahead at the
//!   beginning has seen that the text has no other bytes; so it costs once, however often it is reached.

use super::RegexError;
use super::node::Node;
use super::set::ByteSet;
use super::work::{SUBJECT_MAX, Tail, Work};

/// Estimated bytes of the compiled pattern; PCRE2 refuses 65,536.
const COMPILED_MAX: u64 = 32_000;

/// The pattern for a whole text, to stand between `^` and `end`, which says where the text ends.
pub(super) fn emit(node: &Node, end: &str) -> Result<String, RegexError> {
    if node.compiled_size() > COMPILED_MAX {
        return Err(RegexError::TooLarge);
    }
    let mut emitter = Emitter { alphabet: node.alphabet(), final_loops: None };
    let (text, tail) = emitter.node(node, Tail::END)?;
    if !tail.is_bearable() {
        return Err(RegexError::MayBacktrack { steps: tail.total().steps });
    }
    Ok(match emitter.final_loops {
        Some(set) if tail.forks => format!("(?={}*+{end}){text}", set.to_pcre()),
        _ => text,
    })
}

struct Emitter {
    alphabet: ByteSet,
    /// Bytes of all loops at the end of the expression that hold its whole alphabet.
    final_loops: Option<ByteSet>,
}

type Emitted = Result<(String, Tail), RegexError>;

impl Emitter {
    /// The text of `node`, and what is known from its beginning if `tail` follows.
    fn node(&mut self, node: &Node, tail: Tail) -> Emitted {
        match node {
            Node::Set(set) if set.is_empty() => Ok(("(?!)".to_owned(), tail.after_set(*set))),
            Node::Set(set) => Ok((set.to_pcre(), tail.after_set(*set))),
            Node::Look(look) => {
                let fixed = tail.fixed.plus(Work::new(1, 1));
                Ok((look.to_pcre().to_owned(), Tail { last: false, fixed, ..tail }))
            }
            Node::Concat(parts) => self.concat(parts, tail),
            Node::Alt(branches) => self.alt(branches, tail),
            Node::Repeat { body, min, max: Some(max) } => self.counted(body, *min, *max, tail),
            Node::Repeat { body, min, max: None } => match **body {
                Node::Set(set) => Ok(self.set_loop(set, *min, tail)),
                _ => self.group_loop(body, *min, tail),
            },
        }
    }

    fn alt(&mut self, branches: &[Node], tail: Tail) -> Emitted {
        let mut texts = Vec::with_capacity(branches.len());
        let mut joined: Option<Tail> = None;
        for branch in branches {
            let (text, branch) = self.node(branch, tail)?;
            texts.push(text);
            joined = Some(joined.map_or(branch, |joined| joined.or(branch)));
        }
        Ok((format!("(?:{})", texts.join("|")), joined.unwrap_or(tail)))
    }

    fn concat(&mut self, parts: &[Node], tail: Tail) -> Emitted {
        // Texts and tails of the parts done, the first part last.
        let mut done: Vec<(String, Tail)> = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate().rev() {
            let next = done.last().map_or(tail, |(_, tail)| *tail);
            let after = parts.get(index.saturating_add(1)..).unwrap_or_default();
            let merged = match open_set_loop(part, next) {
                Some((set, min)) => first_word(set, min, after, &mut done)
                    .or_else(|| last_in_run(set, min, after, tail, &mut done))
                    .or_else(|| last_words_in_run(set, min, after, tail, &mut done)),
                None => None,
            };
            let item = match merged {
                Some(item) => item,
                None => self.node(part, next)?,
            };
            done.push(item);
        }
        let first = done.last().map_or(tail, |(_, tail)| *tail);
        Ok((done.into_iter().rev().map(|(text, _)| text).collect(), first))
    }

    fn set_loop(&mut self, set: ByteSet, min: u32, tail: Tail) -> (String, Tail) {
        let scan = Work::new(0, SUBJECT_MAX);
        let open = !set.is_disjoint(tail.first);
        let text = format!("{}{}{}", set.to_pcre(), quantifier(min, None), possessive(!open));
        let star = if open {
            tail.after_open_loop(set, set, scan.plus(scan), SUBJECT_MAX)
        } else if tail.last && self.alphabet.is_subset(set) {
            self.final_loops = Some(self.final_loops.map_or(set, |loops| loops.intersection(set)));
            Tail { once: scan, ..tail.after_loop(set, ByteSet::EMPTY, Work::default()) }
        } else {
            tail.after_loop(set, set, scan)
        };
        (text, (0..min).fold(star, |tail, _| tail.after_set(set)))
    }

    fn group_loop(&mut self, body: &Node, min: u32, tail: Tail) -> Emitted {
        let first = body.first();
        let again = Tail { first: first.union(tail.first), end: tail.end, last: false, ..Tail::default() };
        let (text, round) = self.node(body, again)?;
        if body.is_nullable() || round.forks {
            return Err(RegexError::NestedRepetition);
        }
        let rounds = SUBJECT_MAX.checked_div(body.min_len()).unwrap_or(SUBJECT_MAX);
        let own = round.fixed.plus(Work::new(2, 1)).times(rounds).plus(round.loops.times(2));
        let open = !first.is_disjoint(tail.first);
        let mut tail = if open {
            tail.after_open_loop(first, body.alphabet(), own, rounds)
        } else {
            tail.after_loop(first, body.alphabet(), own)
        };
        for _ in 0..min {
            tail = self.node(body, Tail { first: first.union(tail.first), ..tail })?.1;
        }
        Ok((format!("(?:{text}){}{}", quantifier(min, None), possessive(!open)), tail))
    }

    fn counted(&mut self, body: &Node, min: u32, max: u32, tail: Tail) -> Emitted {
        let quantifier = quantifier(min, Some(max));
        if let Node::Set(set) = body {
            let (open, tail) = counted_set(*set, min, max, tail);
            return Ok((format!("{}{quantifier}{}", set.to_pcre(), possessive(!open && min != max)), tail));
        }
        let first = body.first();
        // Inside the body it must be borne in mind that another round may follow.
        let widened = |tail: Tail| match max {
            1 => tail,
            _ => Tail { first: first.union(tail.first), last: false, ..tail },
        };
        let skipped = Tail { forks: false, ..tail };
        let (text, _) = self.node(body, widened(skipped))?;
        let optional = max.saturating_sub(min);
        let mut rest = skipped;
        for copy in 0..max {
            let (_, taken) = self.node(body, widened(rest))?;
            rest = if copy < optional { taken.or(skipped) } else { taken };
        }
        let closed = optional > 0 && !rest.forks;
        rest.forks |= tail.forks;
        Ok((format!("(?:{text}){quantifier}{}", possessive(closed)), rest))
    }
}

/// `part` is an unbounded loop over a set that cannot tell from the next byte whether to go on.
fn open_set_loop(part: &Node, next: Tail) -> Option<(ByteSet, u32)> {
    match part {
        Node::Repeat { body, min, max: None } => match **body {
            Node::Set(set) if !set.is_disjoint(next.first) => Some((set, *min)),
            _ => None,
        },
        _ => None,
    }
}

/// `R*wX*` as `(?>R*?w)X*`; takes the parts of `w` from `done`.
fn first_word(set: ByteSet, min: u32, after: &[Node], done: &mut Vec<(String, Tail)>) -> Option<(String, Tail)> {
    let word = leading_sets(after);
    let Some(Node::Repeat { body, max: None, .. }) = after.get(word.len()) else { return None };
    let Node::Set(absorbing) = **body else { return None };
    let bytes = word.iter().fold(set, |bytes, set| bytes.union(*set));
    let kept = done.len().checked_sub(word.len())?;
    if word.is_empty() || !bytes.is_subset(absorbing) {
        return None;
    }
    let tail = done.get(kept.checked_sub(1)?)?.1;
    let length = u64::try_from(word.len()).unwrap_or(u64::MAX);
    let own = Work::new(1, length.saturating_add(1)).times(SUBJECT_MAX);
    let word: String = done.drain(kept..).rev().map(|(text, _)| text).collect();
    let tail = Tail { first: bytes, end: false, ..tail.after_loop(set, bytes, own) };
    Some((format!("(?>{}{}?{word})", set.to_pcre(), quantifier(min, None)), tail))
}

/// `R*w` as `R++(?<=w)`; takes the parts of `w` from `done`.
fn last_in_run(
    set: ByteSet,
    min: u32,
    after: &[Node],
    end: Tail,
    done: &mut Vec<(String, Tail)>,
) -> Option<(String, Tail)> {
    let word = leading_sets(after);
    let kept = done.len().checked_sub(word.len())?;
    let tail = kept.checked_sub(1).and_then(|next| done.get(next)).map_or(end, |(_, tail)| *tail);
    if word.is_empty() || !word.iter().all(|last| last.is_subset(set)) || !set.is_disjoint(tail.first) {
        return None;
    }
    let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
    let least = quantifier(min.saturating_add(length), None);
    let word: String = done.drain(kept..).rev().map(|(text, _)| text).collect();
    let own = Work::new(1, SUBJECT_MAX.saturating_add(u64::from(length)));
    let tail = Tail { first: set, end: false, ..tail.after_loop(set, set, own) };
    Some((format!("{}{least}+(?<={word})", set.to_pcre()), tail))
}

/// `R*(v|w)` at the end of a sequence as `(?>R++(?<=v)|R++(?<=w))`; takes all parts done.
fn last_words_in_run(
    set: ByteSet,
    min: u32,
    after: &[Node],
    tail: Tail,
    done: &mut Vec<(String, Tail)>,
) -> Option<(String, Tail)> {
    let words = Node::words(after)?;
    let inside = |word: &Vec<ByteSet>| !word.is_empty() && word.iter().all(|last| last.is_subset(set));
    if !words.iter().all(inside) || !set.is_disjoint(tail.first) {
        return None;
    }
    let run = |word: &Vec<ByteSet>| {
        let least = min.saturating_add(u32::try_from(word.len()).unwrap_or(u32::MAX));
        let end: String = word.iter().map(|set| set.to_pcre()).collect();
        format!("{}{}+(?<={end})", set.to_pcre(), quantifier(least, None))
    };
    let texts: Vec<String> = words.iter().map(run).collect();
    done.clear();
    let own = Work::new(1, SUBJECT_MAX).times(u64::try_from(words.len()).unwrap_or(u64::MAX));
    // All alternatives end at the same place: once one holds there is no use in another.
    Some((format!("(?>{})", texts.join("|")), Tail { first: set, end: false, ..tail.after_loop(set, set, own) }))
}

fn leading_sets(parts: &[Node]) -> Vec<ByteSet> {
    parts.iter().map_while(|part| if let Node::Set(set) = part { Some(*set) } else { None }).collect()
}

fn counted_set(set: ByteSet, min: u32, max: u32, tail: Tail) -> (bool, Tail) {
    let (least, most) = (u64::from(min), u64::from(max));
    let open = min != max && !set.is_disjoint(tail.first);
    let taken = tail.after_possessive(set, most);
    let mut counted = if open {
        let exits = most.saturating_sub(least).saturating_add(1);
        let fixed = tail.fixed.plus(Work::new(2, 2)).times(exits).plus(Work::new(0, most));
        Tail { fixed, loops: tail.loops.times(exits), forks: true, ..taken }
    } else {
        taken
    };
    if min > 0 {
        counted.first = set;
        counted.end = false;
    }
    (open, counted)
}

fn quantifier(min: u32, max: Option<u32>) -> String {
    match (min, max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    }
}

fn possessive(yes: bool) -> &'static str {
    if yes { "+" } else { "" }
}
