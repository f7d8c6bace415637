package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// idDigits is how many hexadecimal digits name a configuration or a trial.
const idDigits = 16

// ContentID names a canonical text by its content, in 16 hexadecimal digits.
func ContentID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:idDigits]
}

// TrialID names a trial: a configuration, by its ID, and a seed. Epochs are a budget and not part of it, so that a trial that is given
// more of them goes on. The same trial has the same ID in every study.
func TrialID(configuration string, seed uint32) string {
	return ContentID(fmt.Sprintln(configuration, seed))
}
