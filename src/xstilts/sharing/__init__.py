"""The Hub: a trained model, or the results of a study, as a repository with its card.

model.py     which model of a study is meant, and its files: checkpoint or adapter, tokenizer
card.py      the card of a model
dataset.py   the files of a study: tables, claims, page, card
private.py   what is left out of all of them: paths of the user's computer, tokens
upload.py    files to the Hub, or into a folder
"""
