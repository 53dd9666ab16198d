import math
from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn as nn
import torch.nn.functional as F


class TinyBertConfig:
    model_type = "tinybert"

    def __init__(self, vocab_size=1000, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
                 intermediate_size=96, max_position_embeddings=64, num_labels=3, **kwargs):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.max_position_embeddings = max_position_embeddings
        self.num_labels = num_labels
        for key, value in kwargs.items():
            setattr(self, key, value)


@dataclass
class ClassifierOutput:
    loss: Optional[torch.FloatTensor] = None
    logits: Optional[torch.FloatTensor] = None
    hidden_states: Optional[tuple] = None


class TinyBertSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.out = nn.Linear(config.hidden_size, config.hidden_size)

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.num_heads, self.head_dim).permute(0, 2, 1, 3)

    def forward(self, hidden_states, attention_mask=None):
        q, k, v = self.split(self.query(hidden_states)), self.split(self.key(hidden_states)), self.split(self.value(hidden_states))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.head_dim)
        if attention_mask is not None:
            scores = scores + attention_mask
        context = torch.matmul(F.softmax(scores, dim=-1), v)
        context = context.permute(0, 2, 1, 3).contiguous()
        return self.out(context.view(context.size(0), context.size(1), -1))


class TinyBertLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = TinyBertSelfAttention(config)
        self.ln1 = nn.LayerNorm(config.hidden_size)
        self.up = nn.Linear(config.hidden_size, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, config.hidden_size)
        self.ln2 = nn.LayerNorm(config.hidden_size)

    def forward(self, hidden_states, attention_mask=None):
        hidden_states = self.ln1(hidden_states + self.attention(hidden_states, attention_mask))
        return self.ln2(hidden_states + self.down(F.gelu(self.up(hidden_states))))


class TinyBertForSequenceClassification(nn.Module):
    config_class = TinyBertConfig

    def __init__(self, config: TinyBertConfig):
        super().__init__()
        self.config = config
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.layers = nn.ModuleList([TinyBertLayer(config) for _ in range(config.num_hidden_layers)])
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids=None, attention_mask=None, labels=None):
        positions = torch.arange(input_ids.size(1), device=input_ids.device)
        hidden = self.word_embeddings(input_ids) + self.position_embeddings(positions)[None]
        if attention_mask is not None:
            attention_mask = (1.0 - attention_mask[:, None, None, :].to(hidden.dtype)) * -1e4
        all_hidden = (hidden,)
        for layer in self.layers:
            hidden = layer(hidden, attention_mask)
            all_hidden = all_hidden + (hidden,)
        logits = self.classifier(hidden[:, 0])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.view(-1, self.config.num_labels), labels.view(-1))
        return ClassifierOutput(loss=loss, logits=logits, hidden_states=all_hidden)


if __name__ == "__main__":
    config = TinyBertConfig(num_labels=5)
    model = TinyBertForSequenceClassification(config)
    out = model(input_ids=torch.randint(0, config.vocab_size, (2, 12)), labels=torch.tensor([0, 1]))
    print(out.loss)
