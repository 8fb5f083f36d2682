//! What `#[test]` means where there is no test harness: a function that a page calls by its name.

use proc_macro::{TokenStream, TokenTree};

/// Exports the test as `test <module>::<name>`.
#[proc_macro_attribute]
pub fn test(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut words = item.clone().into_iter();
    let of_function =
        |word: &TokenTree| matches!(word, TokenTree::Ident(word) if word.to_string() == "fn");
    let name = words.find(of_function).and_then(|_| words.next());
    let Some(TokenTree::Ident(name)) = name else {
        return r#"compile_error!("a test is a function");"#
            .parse()
            .unwrap_or_default();
    };
    let exported = format!(
        r#"const _: () = {{
            #[unsafe(export_name = concat!("test ", module_path!(), "::{name}"))]
            extern "C" fn run() {{ {name}() }}
        }};"#
    );
    let exported: TokenStream = exported.parse().unwrap_or_default();
    item.into_iter().chain(exported).collect()
}
