//! The hosts that somebody's ssh_config names, for a list to choose from. Must never decide how
//! one is reached.

use super::{
    Error, ErrorKind, Operation, Result, SshOptions,
    line::{Fault, lines},
    source::{Source, Trust, files},
    tokens::Local,
    usage,
};

/// The names behind Host that are no patterns, each once, in the order of the files. Files that
/// are included are followed, whatever condition the Include stands under.
///
/// Fails where a file is there and cannot be read; lines that mean nothing are passed over.
pub async fn hosts(options: &SshOptions) -> Result<Vec<String>> {
    let options = options.clone();
    let listed = tokio::task::spawn_blocking(move || list(&options, &Local::new()?));
    match tokio::time::timeout(super::TIME_LIMIT, listed).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            Err(Error::new(ErrorKind::Failure, Operation::ReadConfig).with_detail(error.to_string()))
        }
        Err(_) => Err(Error::new(ErrorKind::Timeout, Operation::ReadConfig)),
    }
}

fn list(options: &SshOptions, local: &Local) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for source in files(options, local, Trust::Any)? {
        collect(&source, local, &mut names)?;
    }
    Ok(names)
}

fn collect(source: &Source, local: &Local, names: &mut Vec<String>) -> Result<()> {
    for line in lines(&source.text).filter_map(Result::<_, Fault>::ok) {
        match line.keyword.as_str() {
            "host" => {
                for word in line.words().unwrap_or_default() {
                    let Ok(name) = String::from_utf8(word) else { continue };
                    if super::is_safe_host(&name) && !name.contains(['*', '?', '!']) && !names.contains(&name)
                    {
                        names.push(name);
                    }
                }
            }
            "include" => {
                for word in line.words().unwrap_or_default() {
                    let included = source.include(&word, local).map_err(|why| {
                        usage(&format!("{} line {}: {why}", source.path.display(), line.number))
                    })?;
                    for file in included {
                        collect(&file, local, names)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn write(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[tokio::test]
    async fn names_are_listed_and_patterns_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(&at("b.conf"), "Host beta web\n");
        fs::set_permissions(at("b.conf"), fs::Permissions::from_mode(0o666)).unwrap();
        write(&at("a.conf"), "Host=alpha # beta\nMatch all\nHost gamma");
        let text = "Bogus line\nHost web *.org !not h?st \"my host\" 'deep'\nHost \"x\n";
        write(&at("config"), &format!("{text}Host *\n Include {}/*.conf\n", dir.path().display()));
        let options = SshOptions { config_file: Some(at("config")), ..SshOptions::default() };
        assert_eq!(hosts(&options).await.unwrap(), ["web", "deep", "alpha", "gamma", "beta"]);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config");
        write(&config, &format!("Include {}\n", config.display()));
        let options = SshOptions { config_file: Some(config.clone()), ..SshOptions::default() };
        let error = hosts(&options).await.unwrap_err();
        assert!(error.detail().unwrap().contains("config line 1: Include goes deeper"), "{error}");

        let missing = SshOptions { config_file: Some(dir.path().join("none")), ..SshOptions::default() };
        assert_eq!(hosts(&missing).await.unwrap_err().kind(), ErrorKind::Usage);
    }
}
