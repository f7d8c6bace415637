package results

// Study and CreateStudy are the single-journal internals, which the tests of this package exercise directly.
type Study = study

var CreateStudy = createStudy

// Writing names the process that writes the study in dir, if one does.
var Writing = writing
