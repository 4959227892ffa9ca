//! The form of a bookmark: its fields, and the bookmark that they make. Plain data; must never
//! connect or save, and shows no password.

use secrecy::SecretString;

use super::overlay::Field;
use crate::{
    config::{Bookmark, check_folder, check_ftp, check_name},
    fs::{Part, Place, PlacePath, SCHEMES, Scheme, Target},
};

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Name,
    Folder,
    /// One of the protocols, or this machine: chosen, not typed.
    Protocol,
    Part(Part),
    /// Where to start there.
    Path,
    /// Where the other pane starts on this machine.
    Local,
    Note,
}

/// The buttons behind the fields, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Save,
    Test,
    Leave,
}

pub const PRESSES: [Press; 3] = [Press::Save, Press::Test, Press::Leave];

/// A bookmark being written.
#[derive(Clone, Debug)]
pub struct Form {
    /// The name of the one that is edited.
    pub old: Option<String>,
    /// A place in [`SCHEMES`]; the number behind the last is this machine.
    pub protocol: usize,
    fields: Vec<(Slot, Field)>,
    /// Counts the fields that are shown, then the buttons.
    pub focus: usize,
    /// Why it cannot be saved or was not.
    pub error: Option<String>,
    /// What the test found.
    pub tested: Option<String>,
    pub saving: bool,
    /// The folders that there are.
    folders: Vec<String>,
    /// The path that the form began with, which a text may not hold.
    path: PlacePath,
}

const ALL: [Slot; 11] = [
    Slot::Name,
    Slot::Folder,
    Slot::Protocol,
    Slot::Part(Part::Host),
    Slot::Part(Part::User),
    Slot::Part(Part::Port),
    Slot::Part(Part::Password),
    Slot::Path,
    Slot::Part(Part::Options),
    Slot::Local,
    Slot::Note,
];

impl Form {
    /// A form with all that is known of `bookmark`, whose place is `place`.
    pub fn new(old: Option<String>, bookmark: &Bookmark, place: &Place) -> Form {
        let (protocol, target, path) = match place {
            Place::Local(_) => (SCHEMES.len(), None, PlacePath::Login),
            Place::Remote(target, path) => {
                let protocol = SCHEMES.iter().position(|scheme| scheme.name == target.scheme.name);
                (protocol.unwrap_or(0), Some(target), path.clone())
            }
        };
        let path_text = match place {
            Place::Local(path) => String::from_utf8_lossy(path).into_owned(),
            Place::Remote(..) => path_text(&path),
        };
        let value = |slot: Slot| match slot {
            Slot::Name => bookmark.name.clone(),
            Slot::Folder => bookmark.folder.clone(),
            Slot::Part(Part::Host) => target.map(|target| target.host.clone()).unwrap_or_default(),
            Slot::Part(Part::User) => target.and_then(|target| target.user.clone()).unwrap_or_default(),
            Slot::Part(Part::Port) => {
                target.and_then(|target| target.port).map(|port| port.to_string()).unwrap_or_default()
            }
            Slot::Part(Part::Options) => bookmark.ftp.clone().unwrap_or_default(),
            Slot::Path => path_text.clone(),
            Slot::Local => bookmark.local.clone().unwrap_or_default(),
            Slot::Note => bookmark.note.clone().unwrap_or_default(),
            Slot::Protocol | Slot::Part(Part::Password) => String::new(),
        };
        let field = |slot: Slot| match slot {
            Slot::Part(Part::Password) => Field::secret(false),
            slot => Field::text(&value(slot)),
        };
        Form {
            old,
            protocol,
            fields: ALL.into_iter().map(|slot| (slot, field(slot))).collect(),
            focus: 0,
            error: None,
            tested: None,
            saving: false,
            folders: Vec::new(),
            path,
        }
    }

    /// The same, knowing the folders that there are.
    pub fn with_folders<'a>(self, folders: impl IntoIterator<Item = &'a str>) -> Form {
        Form { folders: folders.into_iter().map(str::to_owned).collect(), ..self }
    }

    /// The folder that what is typed may be the beginning of, where the folder is being typed.
    pub fn completion(&self) -> Option<&str> {
        let field = self.field(Slot::Folder).filter(|_| self.slot() == Some(Slot::Folder))?;
        let (typed, cursor) = (field.input.value(), field.input.cursor());
        if cursor < typed.chars().count() {
            return None;
        }
        let begins = |folder: &&String| {
            folder.len() > typed.len() && folder.to_lowercase().starts_with(&typed.to_lowercase())
        };
        self.folders.iter().find(begins).map(String::as_str)
    }

    /// Takes the completion over; false where there is none.
    pub fn complete(&mut self) -> bool {
        let Some(folder) = self.completion().map(str::to_owned) else { return false };
        if let Some(field) = self.field_mut() {
            field.input = tui_input::Input::new(folder);
        }
        true
    }

    /// The protocol; `None` for this machine.
    pub fn scheme(&self) -> Option<&'static Scheme> {
        SCHEMES.get(self.protocol).copied()
    }

    /// The fields that this protocol has, in their order.
    pub fn slots(&self) -> Vec<Slot> {
        let scheme = self.scheme();
        ALL.into_iter()
            .filter(|slot| match slot {
                Slot::Part(part) => scheme.is_some_and(|scheme| scheme.parts.contains(part)),
                Slot::Local => scheme.is_some(),
                _ => true,
            })
            .collect()
    }

    pub fn field(&self, slot: Slot) -> Option<&Field> {
        self.fields.iter().find(|(of, _)| *of == slot).map(|(_, field)| field)
    }

    /// The field that is being typed into; changing it takes away what was said about it.
    pub fn field_mut(&mut self) -> Option<&mut Field> {
        let slot = self.slot().filter(|slot| *slot != Slot::Protocol)?;
        self.error = None;
        self.tested = None;
        self.fields.iter_mut().find(|(of, _)| *of == slot).map(|(_, field)| field)
    }

    /// What has the focus, if it is a field.
    pub fn slot(&self) -> Option<Slot> {
        self.slots().get(self.focus).copied()
    }

    /// What has the focus, if it is a button.
    pub fn press(&self) -> Option<Press> {
        PRESSES.get(self.focus.checked_sub(self.slots().len())?).copied()
    }

    pub fn step(&mut self, forward: bool) {
        let count = self.slots().len() + PRESSES.len();
        self.focus = (self.focus + if forward { 1 } else { count - 1 }) % count;
    }

    pub fn change_protocol(&mut self, forward: bool) {
        let count = SCHEMES.len() + 1;
        self.protocol = (self.protocol + if forward { 1 } else { count - 1 }) % count;
        self.error = None;
        self.tested = None;
    }

    pub fn text(&self, slot: Slot) -> &str {
        self.field(slot).map_or("", |field| field.input.value()).trim()
    }

    /// The password that was typed, if one was.
    pub fn password(&self) -> Option<SecretString> {
        let typed = self.field(Slot::Part(Part::Password))?.input.value();
        (!typed.is_empty() && self.slots().contains(&Slot::Part(Part::Password)))
            .then(|| SecretString::from(typed.to_owned()))
    }

    /// Puts the focus on a field.
    pub fn focus_on(&mut self, slot: Slot) {
        if let Some(at) = self.slots().iter().position(|of| *of == slot) {
            self.focus = at;
        }
    }

    /// The place, or the field that will not do and why.
    pub fn place(&self) -> Result<Place, (Slot, String)> {
        let Some(scheme) = self.scheme() else {
            let path = self.text(Slot::Path);
            return match path {
                "" => Err((Slot::Path, "say which path on this machine".to_owned())),
                path => Ok(Place::Local(path.as_bytes().to_vec())),
            };
        };
        let host = self.text(Slot::Part(Part::Host));
        if host.is_empty() {
            return Err((Slot::Part(Part::Host), "the host is missing".to_owned()));
        }
        let port = match self.text(Slot::Part(Part::Port)) {
            "" => None,
            text => match text.parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => {
                    return Err((
                        Slot::Part(Part::Port),
                        format!("{text} is no port; it must be 1 to 65535"),
                    ));
                }
            },
        };
        let user = Some(self.text(Slot::Part(Part::User)).to_owned()).filter(|user| !user.is_empty());
        let path = match self.text(Slot::Path) {
            // A path whose bytes are no text stays what it was unless it is changed.
            text if text == path_text(&self.path).trim() => self.path.clone(),
            text => PlacePath::parse(text.as_bytes()),
        };
        let target = Target { scheme, host: host.to_owned(), user, port, password: None };
        let place = Place::Remote(target, path);
        // One set of rules for what a host and a user may be.
        match Place::parse(place.to_url().as_bytes()) {
            Ok(_) => Ok(place),
            Err(error) => {
                Err((Slot::Part(Part::Host), error.detail().unwrap_or("this is no host").to_owned()))
            }
        }
    }

    /// The bookmark, or the field that will not do and why.
    pub fn bookmark(&self) -> Result<Bookmark, (Slot, String)> {
        check_name(self.text(Slot::Name)).map_err(|why| (Slot::Name, why.to_owned()))?;
        check_folder(self.text(Slot::Folder)).map_err(|why| (Slot::Folder, why.to_owned()))?;
        let given = |slot: Slot| {
            let shown = self.slots().contains(&slot);
            Some(self.text(slot).to_owned()).filter(|text| shown && !text.is_empty())
        };
        let ftp = given(Slot::Part(Part::Options));
        if let Some(Err(why)) = ftp.as_deref().map(check_ftp) {
            return Err((Slot::Part(Part::Options), why));
        }
        let (place, remote) = match self.place()? {
            Place::Remote(target, path) => {
                let text = path_text(&path);
                let is_text = PlacePath::parse(text.as_bytes()) == path;
                if is_text {
                    let remote = Some(text).filter(|text| !text.is_empty());
                    (Place::Remote(target, PlacePath::Login).to_url(), remote)
                } else {
                    (Place::Remote(target, path).to_url(), None)
                }
            }
            local => (local.to_url(), None),
        };
        Ok(Bookmark {
            name: self.text(Slot::Name).to_owned(),
            folder: self.text(Slot::Folder).to_owned(),
            place,
            remote,
            local: given(Slot::Local),
            ftp,
            note: given(Slot::Note),
        })
    }
}

/// A path as it is typed.
fn path_text(path: &PlacePath) -> String {
    match path {
        PlacePath::Login => String::new(),
        PlacePath::Relative(bytes) => format!("~/{}", String::from_utf8_lossy(bytes)),
        PlacePath::Absolute(path) => path.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(place: &str) -> Form {
        let bookmark = Bookmark {
            name: "shop".into(),
            folder: "work".into(),
            place: place.into(),
            local: Some("~/site".into()),
            ..Bookmark::default()
        };
        Form::new(None, &bookmark, &bookmark.place().unwrap())
    }

    #[test]
    fn what_goes_in_comes_out() {
        for place in
            ["sftp://ann@web-01:2222/var/www", "sftp://web-01", "sftp://h/~/docs", "sftp://h/%FF", "/srv/x"]
        {
            let made = form(place).bookmark().unwrap();
            assert_eq!(made.place().unwrap().to_url(), place);
            assert_eq!((made.name.as_str(), made.folder.as_str()), ("shop", "work"));
        }
        let made = form("sftp://ann@web-01:2222/var/www").bookmark().unwrap();
        assert_eq!(
            (made.place.as_str(), made.remote.as_deref()),
            ("sftp://ann@web-01:2222", Some("/var/www"))
        );
        assert_eq!(made.local.as_deref(), Some("~/site"));
    }

    #[test]
    fn each_protocol_has_its_own_fields() {
        let remote = form("sftp://h");
        assert!(remote.slots().contains(&Slot::Part(Part::Password)));
        let local = form("/srv");
        assert_eq!(local.slots(), [Slot::Name, Slot::Folder, Slot::Protocol, Slot::Path, Slot::Note]);
        assert_eq!(local.bookmark().unwrap().local, None);
    }

    #[test]
    fn the_field_that_will_not_do_is_named() {
        let set = |slot: Slot, text: &str| {
            let mut form = form("sftp://h");
            form.focus_on(slot);
            form.field_mut().unwrap().input = tui_input::Input::new(text.to_owned());
            form.bookmark().unwrap_err().0
        };
        for slot in [Slot::Name, Slot::Part(Part::Host)] {
            assert_eq!(set(slot, ""), slot);
            assert_eq!(set(slot, "a:b/"), slot);
        }
        assert_eq!(set(Slot::Folder, "/"), Slot::Folder);
        assert_eq!(set(Slot::Part(Part::Port), "70000"), Slot::Part(Part::Port));
    }

    #[test]
    fn a_password_shows_in_no_print() {
        let mut form = form("sftp://h");
        form.focus_on(Slot::Part(Part::Password));
        form.field_mut().unwrap().input = tui_input::Input::new("secret".into());
        assert!(form.password().is_some());
        assert!(!format!("{form:?}").contains("secret"));
        assert!(!format!("{:?}", form.bookmark()).contains("secret"));
    }
}
