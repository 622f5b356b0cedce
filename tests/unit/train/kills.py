"""Training that is killed, as tests see it."""

from landbridge.train.progress import Progress


class Killed(Exception):
    pass


class KilledAtSecondSave(Progress):
    """Progress whose process ends once it has saved twice."""

    saves = 0

    def save(self, fit, kind, tensors, notes):
        super().save(fit, kind, tensors, notes)
        self.saves += 1
        if self.saves == 2:
            raise Killed
