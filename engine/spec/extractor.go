package spec

import "slices"

// Extractor declares an extractor of features.
type Extractor struct {
	Name     string // in the tables and on the command line: inception-ttur
	Builtin  string // in scripts: inception_ttur. Extractors that share a builtin are meant for different images
	Doc      string // what it is, in one line
	Width    int    // features of an image; 0: as many as the image has numbers
	Logits   bool   // it has logits, or may have them, depending on its weights
	Channels int    // of its images; 0: any
	Converts bool   // it converts images of other numbers of channels
	Raw      bool   // its features are the numbers of the image itself, which points have, too
	Set      string // the data set that it is meant for, if its channels do not say so
}

// Takes reports whether images may have a number of channels.
func (x Extractor) Takes(channels int) bool {
	return x.Channels == 0 || x.Converts || x.Channels == channels
}

// ChooseExtractor chooses one of the extractors that share a builtin for a data set: the one that names the set, else the one for its
// number of channels, else the first.
func ChooseExtractor(candidates []Extractor, set string, channels int) Extractor {
	by := func(suits func(Extractor) bool) (Extractor, bool) {
		i := slices.IndexFunc(candidates, suits)
		if i < 0 {
			return Extractor{}, false
		}
		return candidates[i], true
	}
	if x, ok := by(func(x Extractor) bool { return x.Set == set }); ok {
		return x
	}
	if x, ok := by(func(x Extractor) bool { return x.Channels == channels }); ok {
		return x
	}
	return candidates[0]
}

// ExtractorsCalled lists the extractors of a builtin.
func ExtractorsCalled(all []Extractor, builtin string) []Extractor {
	return slices.DeleteFunc(slices.Clone(all), func(x Extractor) bool { return x.Builtin != builtin })
}
