"""Prints the numbers of effect_test.go by NumPy, SciPy and statsmodels."""
import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

print("numpy", np.__version__, "scipy", scipy.__version__, "statsmodels", statsmodels.__version__)
one = np.array([31.0, 28.5, 36.25, 40.0])
two = np.array([25.5, 29.0, 30.75, 33.0])
print("one block, t interval", stats.ttest_1samp(one, 0).confidence_interval(0.95))
paired = stats.ttest_rel(two, one)
print("paired", paired.confidence_interval(0.95), "p", paired.pvalue)
welch = stats.ttest_ind(one, -two, equal_var=False).confidence_interval(0.95)
print("mean of two blocks", welch.low / 2, welch.high / 2)
ratio = stats.ttest_rel(np.log(two), np.log(one)).confidence_interval(0.95)
print("ratio", np.exp(ratio.low), np.exp(ratio.high))
values = np.array([31.0, 25.5, 60.0, 18.25, 22.0])
print("mean", values.mean(), "median", np.median(values), "iqr", stats.iqr(values), "sd log", np.log(values).std(ddof=1))
print("wilson 3 of 24", stats.binomtest(3, 24).proportion_ci(method="wilson"))
print("wilson 0 of 16", stats.binomtest(0, 16).proportion_ci(method="wilson"))
print("newcombe 13 of 16 - 4 of 24", confint_proportions_2indep(13, 16, 4, 24, method="newcomb"))
print("holm", multipletests([0.01, 0.04, 0.03, 0.005], method="holm")[1])
x, y, w = [1, 2, 2, 4, 5, 7], [10, 30, 20, 20, 50, 40], [1, 2, 4, 3, 5, 6]
print("spearman", stats.spearmanr(x, y).statistic, stats.spearmanr(x, w).statistic)
print("kendall", stats.kendalltau(x, y).statistic, stats.kendalltau(x, w).statistic)
rows = np.array([[1, 2, 3], [4, 4, 9], [2, 5, 4], [1, 3, 8], [7, 6, 9]])
print("friedman", stats.friedmanchisquare(*rows.T).pvalue)
kappa = cohens_kappa([[20, 5], [3, 36]])
print("kappa", kappa.kappa, kappa.kappa_low, kappa.kappa_upp)
