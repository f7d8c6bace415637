package spec

// Catalogue declares what scripts choose from and other packages implement, as plain data, so that a script is evaluated without the
// engine behind it.
type Catalogue struct {
	Extractors []Extractor // of engine/feature; the first is the default
	DataSets   []DataSet   // of engine/data
}
