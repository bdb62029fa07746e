"""DGPO in Hugging Face TRL: its GRPOTrainer, with DGPO's gradient weight."""

import torch
from trl import GRPOConfig, GRPOTrainer

from dgpo import gradient_weight


class DGPOTrainer(GRPOTrainer):
    """TRL's loss "vespo" is −sg(φ)·Â·log π, averaged over tokens, with φ from a method of its own: φ becomes w.

    Its gradient is that of −sg(w)·Â·exp(log π − sg(log π)). All else stays TRL's: advantages, KL, vLLM, metrics.
    """

    def __init__(self, *args, dgpo_n: int = 1, dgpo_m: int = 2, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.loss_type != "vespo" or self.importance_sampling_level != "token":
            raise ValueError('DGPOTrainer: write loss_type="vespo" and importance_sampling_level="token".')
        self.dgpo = {
            "clip_ratio_low": self.epsilon_low,
            "clip_ratio_high": self.epsilon_high,
            "dgpo_n": dgpo_n,
            "dgpo_m": dgpo_m,
        }

    def get_gamma_weights(self, advantages, log_ratio_per_token, mask, importance_sampling_ratio, **_) -> torch.Tensor:
        """The weight of every token, (B, T); advantages are (B, 1)."""
        weight = gradient_weight(log_ratio_per_token, advantages, **self.dgpo)
        return weight if importance_sampling_ratio is None else weight * importance_sampling_ratio


def letters(completions: list[str], **_) -> list[float]:
    """A reward that an untrained model can earn: the share of letters."""
    return [sum(map(str.isalpha, text)) / max(len(text), 1) for text in completions]


if __name__ == "__main__":
    from datasets import Dataset

    from recipes.inputs.tiny_model import make_model, make_tokenizer  # any other model and tokenizer will do

    tokenizer = make_tokenizer()
    trainer = DGPOTrainer(
        model=make_model(tokenizer),
        processing_class=tokenizer,
        reward_funcs=letters,
        train_dataset=Dataset.from_dict({"prompt": [f"{number} = " for number in range(16)]}),
        args=GRPOConfig(
            output_dir="outputs/trl",
            loss_type="vespo",
            num_iterations=2,  # the second update of each batch is off-policy: there the weight differs from 1
            epsilon=0.2,
            max_steps=2,
            learning_rate=1e-3,
            max_completion_length=16,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            bf16=torch.cuda.is_available(),
        ),
    )
    trainer.train()
