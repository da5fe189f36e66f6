"""PartiQL as DynamoDB has it: statements read into the trees that expressions become, so that both languages mean the same.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""
