//! The text of a link, of a server that tells where it leads instead. Pure.

use crate::fs::RemotePath;

/// What the link at `path` holds, of which the server says that it leads to `told` and that it
/// is `size` bytes long. proftpd's mod_sftp tells where a relative link leads from the root; of
/// all the relative texts that lead there, its length tells which one it is. Where none fits,
/// what the server said will do: it leads to the same.
pub fn text_of(path: &RemotePath, told: &[u8], size: Option<u64>) -> Vec<u8> {
    let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else { return told.to_vec() };
    if !told.starts_with(b"/") || told.len() == size {
        return told.to_vec();
    }
    let parts = |path: &[u8]| -> Vec<Vec<u8>> {
        path.split(|b| *b == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let to = parts(told);
    let mut base = parts(path.as_bytes());
    base.pop();
    for up in 0..=base.len() {
        let (above, _) = base.split_at(base.len() - up);
        let Some(down) = to.strip_prefix(above) else { continue };
        let steps = std::iter::repeat_n(&b".."[..], up).chain(down.iter().map(Vec::as_slice));
        let mut text = steps.collect::<Vec<_>>().join(&b'/');
        if text.is_empty() {
            text.push(b'.');
        }
        let dotted = [b"./", &text[..]].concat();
        let closed = [&text[..], b"/"].concat();
        if let Some(fitting) = [text, dotted, closed].into_iter().find(|text| text.len() == size) {
            return fitting;
        }
    }
    told.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the server does it: joined and tidied.
    fn told(path: &RemotePath, text: &str) -> Vec<u8> {
        path.parent().unwrap().resolve(text.as_bytes()).as_bytes().to_vec()
    }

    #[test]
    fn relative_texts_come_back() {
        let path = RemotePath::new("/srv/tree/deep/link");
        for text in [
            "file",
            "dir/file",
            "../file",
            "../../other/file",
            "../deep/file",
            "../../../etc/passwd",
            "..",
            "../..",
            ".",
            "./file",
            "dir/",
            "../",
            "../../..",
        ] {
            let told = told(&path, text);
            let found = text_of(&path, &told, Some(text.len() as u64));
            assert_eq!(String::from_utf8_lossy(&found), text, "{}", String::from_utf8_lossy(&told));
        }
    }

    #[test]
    fn whatever_comes_back_leads_to_the_same() {
        let path = RemotePath::new("/srv/tree/link");
        for (told, size) in
            [("/srv/tree/file", 9), ("/etc/passwd", 10), ("/srv", 2), ("/", 5), ("/srv/tree", 0)]
        {
            let found = text_of(&path, told.as_bytes(), Some(size));
            let leads = path.parent().unwrap().resolve(&found);
            assert_eq!(leads, RemotePath::new(told), "{}", String::from_utf8_lossy(&found));
        }
    }

    #[test]
    fn absolute_and_plain_answers_are_believed() {
        let path = RemotePath::new("/srv/link");
        for (told, size) in
            [("/srv/file", Some(9)), ("/srv/file", None), ("file", Some(4)), ("file", Some(9)), ("", Some(0))]
        {
            assert_eq!(text_of(&path, told.as_bytes(), size), told.as_bytes());
        }
    }
}
