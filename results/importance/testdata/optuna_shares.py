# Prints the importance that Optuna's PED-ANOVA gives the hyperparameters of the trials in a JSON file, as a JSON object.
import json
import sys
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")

with open(sys.argv[1]) as f:
    given = json.load(f)

distributions = {}
for x in given["factors"]:
    if x["kind"] in ("string", "bool"):
        d = optuna.distributions.CategoricalDistribution(x["levels"])
    elif x["kind"] == "int":
        d = optuna.distributions.IntDistribution(min(x["levels"]), max(x["levels"]), log=x["log"])
    else:
        d = optuna.distributions.FloatDistribution(min(x["levels"]), max(x["levels"]), log=x["log"])
    distributions[x["name"]] = d

study = optuna.create_study(direction=given["direction"])
for point, value in zip(given["points"], given["values"]):
    study.add_trial(optuna.trial.create_trial(params=point, distributions=distributions, value=value))
evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=given["quantile"])
print(json.dumps(optuna.importance.get_param_importances(study, evaluator=evaluator)))
