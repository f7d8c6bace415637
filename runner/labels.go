package runner

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
)

// checkLabels reports whether a set has the classes that the script says it has, which nothing could check before the files were read: a
// network of more classes is sampled in some that it never saw, and one of fewer cannot take the labels.
func checkLabels(d spec.Data, set *data.Set, labels int) error {
	if labels == 0 || !d.Files() {
		if labels > 0 && set.Classes > labels {
			return fmt.Errorf("data: got images of %d classes, want %d", set.Classes, labels)
		}
		return nil
	}
	switch {
	case set.Labels == nil:
		return fmt.Errorf("data: the images have no labels, and the script says labels = %d", labels)
	case set.Classes != labels:
		return fmt.Errorf("data: got images of %d classes, and the script says labels = %d", set.Classes, labels)
	}
	count := make([]int, labels)
	for _, label := range set.Labels {
		count[label]++
	}
	wanted := d.WithDefaults().Classes
	if wanted == nil {
		for label := range labels {
			wanted = append(wanted, label)
		}
	}
	for _, label := range wanted {
		if count[label] > 0 {
			continue
		}
		name := ""
		if set.ClassNames != nil {
			name = fmt.Sprintf(" (%q)", set.ClassNames[label])
		}
		advice := "name the labels that there are with classes = [...]"
		if d.Limit > 0 {
			advice = "raise limit, or " + advice
		}
		return fmt.Errorf("data: no image has the label %d%s: %s", label, name, advice)
	}
	return nil
}
