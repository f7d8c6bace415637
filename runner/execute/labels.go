package execute

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
)

// checkLabels returns an error if a set does not have the classes that the script declares, which is known only once the files are
// read. A network with more classes would be sampled in classes that it never saw, and one with fewer classes cannot represent the
// labels.
func checkLabels(d spec.Data, set *data.Set, labels int) error {
	if labels == 0 || !d.Files {
		if labels > 0 && set.Classes > labels {
			return fmt.Errorf("data: got images of %d classes, want %d", set.Classes, labels)
		}
		return nil
	}
	switch {
	case set.Labels == nil:
		return fmt.Errorf("data: the images have no labels, but the script says labels = %d", labels)
	case set.Classes != labels:
		return fmt.Errorf("data: got images of %d classes, but the script says labels = %d", set.Classes, labels)
	}
	count := make([]int, labels)
	for _, label := range set.Labels {
		count[label]++
	}
	wanted := d.Classes
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
		advice := "list the labels that exist in classes = [...]"
		if d.Limit > 0 {
			advice = "raise limit, or " + advice
		}
		return fmt.Errorf("data: no image has the label %d%s: %s", label, name, advice)
	}
	return nil
}
