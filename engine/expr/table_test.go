package expr_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
)

func TestArchitectureCountsTheOperations(t *testing.T) {
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d operations with shape rules", len(expr.Ops)); !strings.Contains(string(page), want) {
		t.Errorf("ARCHITECTURE.md does not say: %s", want)
	}
}
