"""Models: from feature frames to a registered model version that a signal can name.

What belongs here: training sets that know what was known when (`datasets`), splits that do not leak
(`splits`), the algorithms (`models`), their training and evaluation, the state of the code they were
trained with (`code_state`), prediction (`predictor`) and the registry (`registry`, the only importer of
MLflow). What does not: features (`tickledger.features`), opinions (`tickledger.strategies`), orchestration.
"""
