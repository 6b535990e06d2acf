//! Tuples in parameters, and the sizes of functions.

use super::super::functions::{oversized_functions, tuple_parameters};
use super::{assert_fine, assert_one, tree};

fn tuples(text: &str) -> Vec<String> {
    tuple_parameters(&tree(&[("tests/it/smoke.rs", text)]))
}

#[test]
fn a_tuple_in_a_parameter_is_found_in_every_spelling() {
    for text in [
        "fn f((a, b): (A, B)) {}",
        "fn f(pair: (A, B)) {}",
        "fn f(x: X, pair: &(A, B)) {}",
        "fn f(pair: &'a mut (A, B)) {}",
        "fn f(pair: Option<(A, B)>) {}",
        "fn f(pair: Option<&(A, B)>) {}",
        "fn f(pair: std::sync::Arc<(A, B)>) {}",
        "fn f(pair: Cow<'_, (A, B)>) {}",
        "fn f(one: (A,)) {}",
        "fn f(&(a, b): &Pair) {}",
        "fn f(Wrapper((a, b)): Wrapper) {}",
        "fn f(S { a: (b, c), .. }: S) {}",
        "fn f(&mut self, #[allow(x)] (a, b): Pair) {}",
        "fn f<T: Fn(A) -> B, const N: usize>(pair: (A, B)) where T: X {}",
        "impl X { pub(crate) async fn f(self, pair: (A, B)) {} }",
        "trait T { fn f(&self, pair: (A, B)); }",
        "pub const unsafe extern \"C\" fn f(pair: (A, B)) {}",
        "#[cfg(test)] mod tests { fn f(pair: (A, B)) {} }",
        "fn outer() { fn f(pair: (A, B)) {} }",
        "macro_rules! m { ($name:ident) => { fn $name(pair: (A, B)) {} } }",
        "type Pair = (A, B); fn f(pair: &Pair) {}",
        "fn f(pair: ((A, B))) {}",
    ] {
        assert_one(&tuples(text), "tests/it/smoke.rs:1: ", text);
    }
    assert_one(&tuples("pub(super) type Pair<'a> = (&'a A, B);"), "tests/it/smoke.rs: Pair is a shared name", "alias");
}

#[test]
fn what_holds_tuples_as_data_or_only_looks_like_one_passes() {
    for text in [
        "fn f(pairs: Vec<(A, B)>, more: &[(A, B)], map: HashMap<A, (B, C)>) {}",
        "fn f(pairs: impl Iterator<Item = (A, B)>, then: impl Fn((A, B)) -> C) {}",
        "fn f(then: &(dyn Fn(A, B) + Send), unit: (), pointer: fn(A, (B, C))) {}",
        "fn f() -> (A, B) { let (a, b) = g(); pairs.map(|(a, b)| a) }",
        "fn f(Wrapper(a, b): Wrapper, Path(c): Path<C>, [a, b]: [A; 2]) {}",
        "fn f(a: A, b: B) where X: Into<(A, B)> {}",
        "type Pair = (A, B); fn f(pairs: &[Pair], other: elsewhere::Pair) -> Pair {}",
        "impl X for Y { type Output = (A, B); fn f(self, rhs: Self::Output) {} }",
        "type Handler = fn((A, B)); struct S((A, B)); fn f(s: S, handler: Handler) {}",
        "fn f((a): A) {} // fn f(pair: (A, B)) {}",
        "const S: &str = \"fn f(pair: (A, B)) {}\";",
        "proptest! { fn f((a, b) in (x(), y()), c in z::w()) {} }",
        "fn f(self: &Self, mut a: A, ref b: B) {}",
    ] {
        assert_fine(&tuples(text), text);
    }
}

fn oversized(path: &str, text: &str) -> Vec<String> {
    oversized_functions(&tree(&[(path, text)]))
}

#[test]
fn a_function_of_six_parameters_is_found_and_self_is_none() {
    for parameters in ["a: A, b: B, c: C, d: D, e: E, f: F", "&self, a: A, b: B, c: C, d: D, e: E<X, Y>, f: F,"] {
        let text = format!("impl X {{ async fn f<'a, T>({parameters}) {{}} }}");
        assert_one(&oversized("src/vault/mod.rs", &text), "src/vault/mod.rs:1: f takes 6 parameters", &text);
        assert_one(&oversized("tests/it/smoke.rs", &text), "tests/it/smoke.rs:1: f takes 6 parameters", &text);
    }
    for text in [
        "fn f(&mut self, a: A, b: B, c: C, d: D, e: E) {}",
        "fn f(self: Arc<Self>, a: A<X, Y>, b: (), c: fn(A, B, C), d: D, e: [E; 3],) {}",
        "fn f(a: A, b: B, c: C, d: D, then: impl FnOnce(A, B) -> C) {}",
        "fn f() { g(1, 2, 3, 4, 5, 6); |a, b, c, d, e, f| a }",
    ] {
        assert_fine(&oversized("src/vault/mod.rs", text), text);
    }
}

#[test]
fn a_body_of_sixty_one_lines_is_found_but_in_tests() {
    let of_lines =
        |lines: usize| format!("fn f(\n    a: A,\n)\nwhere\n    A: B,\n{{\n{}}}\n", "    g();\n".repeat(lines));
    let text = of_lines(61);
    assert_one(&oversized("src/vault/mod.rs", &text), "src/vault/mod.rs:1: f has 61 lines", "61");
    assert_one(
        &oversized("src/vault/mod.rs", &format!("impl X {{\n{text}}}")),
        "src/vault/mod.rs:2: f has 61",
        "method",
    );
    assert_fine(&oversized("src/vault/mod.rs", &of_lines(60)), "60");
    assert_fine(&oversized("src/vault/tests.rs", &text), "a file of tests");
    assert_fine(&oversized("src/vault/mod.rs", &format!("#[cfg(test)]\nmod tests {{\n{text}}}")), "tests in a file");
    let declared = format!("trait T {{\nfn f(&self) -> [u8; 2];\n{}}}", "const A: u8 = 0;\n".repeat(70));
    assert_fine(&oversized("src/vault/mod.rs", &declared), "declared only");
}
