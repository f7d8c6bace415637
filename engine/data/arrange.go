package data

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
)

// arrangement holds the files of a tree that a request selects, and what their folders imply about them.
type arrangement struct {
	root   string   // the folder above them
	files  []string // with the root
	labels []int32  // nil if the files are in the root itself, or labels were not requested
	names  []string // of the classes
	notes  []string // what was decided, and which images were left out

	elsewhere []string // names of the classes of all splits
}

// splitNames are the names of folders that hold a split rather than a class, by split. Case does not matter.
var splitNames = map[string]string{"train": "train", "training": "train", "test": "test", "testing": "test",
	"val": "validation", "valid": "validation", "validation": "validation"}

func splitOf(folder string) string { return splitNames[strings.ToLower(folder)] }

// arrange selects the files of the requested split. A folder with the name of a split is that split, with one exception: "train"
// among other folders, none of which is a split, is a class. Files in no split may also be the training split. A single folder
// around everything is skipped.
func arrange(files []string, wanted spec.Data) (arrangement, error) {
	a := arrangement{root: ".", files: files}
	for !wanted.Unlabelled {
		l := newLevel(a.root, a.files)
		chosen, err := l.choose(wanted.Split)
		switch outer := l.wrapper(); {
		case err != nil:
			return a, err
		case chosen != "":
			a.notes = append(a.notes, l.outside(chosen)...)
			a.root, a.files, a.elsewhere = path.Join(a.root, chosen), l.folders[chosen], l.classes(wanted.Split)
			return a, nil
		case outer != "":
			a.root = path.Join(a.root, outer)
			a.notes = append(a.notes, fmt.Sprintf("all images are in %s: its folders are the splits or classes", printable(a.root)))
		case splitOf(wanted.Split) != "train":
			return a, absent("no folder %q for the split: there %s", wanted.Split, l.inventory())
		default:
			a.elsewhere = l.classes(wanted.Split)
			return a, a.rest(l)
		}
	}
	return a, nil
}

// rest takes the files in no split.
func (a *arrangement) rest(l level) error {
	a.files = l.loose
	for _, name := range l.names() {
		switch splitOf(name) {
		case "train":
			a.notes = append(a.notes, fmt.Sprintf("the folder %s counts as a class, since there is no other split next to it: there %s", name,
				l.inventory()))
		case "test", "validation":
			a.notes = append(a.notes, fmt.Sprintf("left out %s in the folder %s, which is another split", images(len(l.folders[name])), name))
			continue
		}
		a.files = append(a.files, l.folders[name]...)
	}
	if len(a.files) == 0 {
		return absent("no folder \"train\" for the split: there %s", l.inventory())
	}
	slices.SortFunc(a.files, byParts)
	return nil
}

// byParts orders paths as walk does: "a/z" before "a-b/a".
func byParts(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) }

// label uses the folder of a file, directly below the root, as its class. Classes of other splits count as well, so that a label
// means the same in every split.
func (a *arrangement) label() error {
	l := newLevel(a.root, a.files)
	if len(l.folders) == 0 {
		return nil
	}
	if len(l.loose) > 0 {
		return fmt.Errorf("got %s, and others in folders: want all of them in class folders or none",
			some(l.loose, "image in no class folder", "images in no class folder"))
	}
	names := append(l.names(), a.elsewhere...)
	a.names = slices.Compact(slices.Sorted(slices.Values(names)))
	a.labels = make([]int32, len(a.files))
	for i, file := range a.files {
		label, _ := slices.BinarySearch(a.names, l.folder(file))
		a.labels[i] = int32(label)
	}
	return nil
}

// level holds the files below a folder, by the folder directly below it that contains them.
type level struct {
	root    string
	folders map[string][]string
	loose   []string // in none
}

func newLevel(root string, files []string) level {
	l := level{root: root, folders: map[string][]string{}}
	for _, file := range files {
		if name := l.folder(file); name != "" {
			l.folders[name] = append(l.folders[name], file)
		} else {
			l.loose = append(l.loose, file)
		}
	}
	return l
}

// folder is the folder directly below the root that holds a file; "" if the root itself does.
func (l level) folder(file string) string {
	if l.root != "." {
		file = file[len(l.root)+1:]
	}
	name, _, deep := strings.Cut(file, "/")
	if !deep {
		return ""
	}
	return name
}

func (l level) names() []string { return slices.Sorted(maps.Keys(l.folders)) }

// classes is the names of the class folders of all splits, in any order, for a request of split: those of folders of splits, and
// those of the training split if it is the files in no split. If split is not the name of a split, the folders next to it are not
// splits either.
func (l level) classes(split string) (names []string) {
	train, err := l.choose("train")
	folder := train != "" || err != nil || splitOf(split) == ""
	for _, name := range l.names() {
		if what := splitOf(name); what == "test" || what == "validation" || what == "train" && folder {
			names = append(names, newLevel(path.Join(l.root, name), l.folders[name]).names()...)
		} else if !folder {
			names = append(names, name)
		}
	}
	return names
}

// choose finds the folder of a split; "" if there is none.
func (l level) choose(split string) (string, error) {
	var found, splits, others []string
	for _, name := range l.names() {
		switch what := splitOf(name); {
		case name == split || what != "" && what == splitOf(split):
			found = append(found, name)
		case what != "":
			splits = append(splits, name)
		default:
			others = append(others, name)
		}
	}
	switch {
	case len(found) > 1:
		return "", fmt.Errorf("got the folders %s for the split %q, want one", strings.Join(found, " and "), split)
	case len(found) == 0, splitOf(split) == "train" && len(splits) == 0 && len(others) > 0:
		return "", nil
	}
	return found[0], nil
}

// wrapper is the only folder, which holds everything, if only folders in it hold files and it is not a split; otherwise "".
func (l level) wrapper() string {
	names := l.names()
	if len(names) != 1 || len(l.loose) > 0 || splitOf(names[0]) != "" {
		return ""
	}
	if inner := newLevel(path.Join(l.root, names[0]), l.folders[names[0]]); len(inner.loose) > 0 {
		return ""
	}
	return names[0]
}

// outside notes the images in no split if others are in one.
func (l level) outside(split string) []string {
	n, where := len(l.loose), []string{}
	for _, name := range l.names() {
		if name != split && splitOf(name) == "" {
			n += len(l.folders[name])
			where = append(where, printable(name))
		}
	}
	switch {
	case n == 0 || splitOf(split) == "": // one of many folders was requested
		return nil
	case len(where) == 0:
		return []string{fmt.Sprintf("left out %s outside the folder %s", images(n), split)}
	}
	return []string{fmt.Sprintf("left out %s outside the folder %s: %s", images(n), split, enumerate(where, 3))}
}

// images is "1 image" or "7 images".
func images(n int) string {
	if n == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", n)
}

// inventory lists the folders.
func (l level) inventory() string {
	names := l.names()
	if len(names) == 0 {
		return "is no folder"
	}
	for i, name := range names {
		names[i] = printable(name)
	}
	if len(names) == 1 {
		return "is the folder " + names[0]
	}
	return fmt.Sprintf("are %d folders: %s", len(names), enumerate(names, 6))
}
