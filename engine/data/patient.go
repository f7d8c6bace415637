package data

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/parallel"
)

// sharedPatients notes the patients of whom there are files both among those chosen and in the folder of another split: a network that
// has seen a patient is not tested by the same one.
func sharedPatients(ctx context.Context, t tree, format format, chosen, all []string) ([]string, error) {
	of := map[string]bool{}
	for _, file := range chosen {
		of[file] = true
	}
	others := slices.DeleteFunc(slices.Clone(all), func(file string) bool {
		return of[file] || !slices.ContainsFunc(strings.Split(file, "/"), func(folder string) bool { return splitOf(folder) != "" })
	})
	if len(others) == 0 {
		return nil, nil
	}
	files := slices.Concat(chosen, others)
	patients := make([]string, len(files))
	err := parallel.For(ctx, len(files), func(i int) error { patients[i] = format.whose(t, files[i]); return nil })
	if err != nil {
		return nil, err
	}
	seen, shared := map[string]bool{}, map[string]string{}
	for i, patient := range patients {
		switch {
		case patient == "":
		case i < len(chosen):
			seen[patient] = true
		case seen[patient] && shared[patient] == "":
			shared[patient] = printable(files[i])
		}
	}
	if len(shared) == 0 {
		return nil, nil
	}
	examples := map[string]int{}
	for _, file := range shared {
		examples[file]++
	}
	return []string{fmt.Sprintf("patients of this split who are in another as well, so that a test is not one of new patients: %d, with %s",
		len(shared), byCount(examples, 3, func(file string, _ int) string { return file }))}, nil
}
