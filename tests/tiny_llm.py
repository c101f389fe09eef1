"""A language model of a few thousand weights in a folder, for tests of what surrounds a model."""

from pathlib import Path

TEXTS = ["the film is good .", "the film is bad .", "a good plot and a bad end .", "one two three four five six seven"]


def tiny_llm(folder: Path, seed: int = 0, chat_template: str | None = None) -> Path:
    """Writes a random Llama of two layers over whole words, with its tokenizer; returns the folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<bos>", "<eos>", "<unk>", "\n", *sorted({w for t in TEXTS for w in t.split()})]
    coder = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    coder.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    coder.post_processor = processors.TemplateProcessing("<bos> $A", special_tokens=[("<bos>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=coder, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>", chat_template=chat_template
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(words),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=512,
                bos_token_id=1,
                eos_token_id=2,
                pad_token_id=0,
                initializer_range=0.6,
            )
        )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
